import { useSyncExternalStore } from "react";

/** Silence before the server is probed, and the probe's timeout: loss is detected within 9 s. */
const QUIET_MS = 4_000;
const ANSWER_MS = 4_000;
/** Probe interval while the server is lost. */
const RETRY_MS = 1_500;
const LOOK_MS = 500;

/** `offline`: the browser has no network. `lost`: the server does not respond. */
export type Reach = "ok" | "offline" | "lost";

export type Pulse = {
  state(): Reach;
  subscribe(listener: () => void): () => void;
  /** Data was received from the server. */
  heard(): void;
  /** Expected data did not arrive: probe the server now. */
  doubt(): void;
  /** Aborts when the server is lost: pending requests will not be answered. */
  lost(): AbortSignal;
  /** Resolves once the server is reachable, or when the signal aborts. */
  reachable(signal: AbortSignal): Promise<void>;
  /** Monitors until the returned function is called. Does not probe while the page is hidden. */
  start(): () => void;
};

export type PulseOptions = {
  /** Sends a minimal request; rejects if it fails. */
  ask(signal: AbortSignal): Promise<unknown>;
  now?(): number;
  isOnline?(): boolean;
  isVisible?(): boolean;
  /** Calls back periodically until the returned function is called; tests call it manually. */
  every?(ms: number, look: () => void): () => void;
};

/** Tracks whether the server responds, from all data received and from probes if there is none. */
export function createPulse(options: PulseOptions): Pulse {
  const {
    ask,
    now = () => performance.now(),
    isOnline = () => navigator.onLine,
    isVisible = () => document.visibilityState === "visible",
    every = (ms, look) => {
      const timer = setInterval(look, ms);
      return () => clearInterval(timer);
    },
  } = options;
  const listeners = new Set<() => void>();
  let reach: Reach = "ok";
  let heardAt = now();
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: AbortController | undefined;
  let connection = new AbortController();
  let watching = false;

  function become(next: Reach) {
    if (next === reach) return;
    reach = next;
    if (next === "ok") connection = new AbortController();
    else connection.abort();
    for (const listener of [...listeners]) listener();
  }

  function heard() {
    heardAt = now();
    if (isOnline()) become("ok");
  }

  function question() {
    const controller = new AbortController();
    asking = controller;
    askedAt = now();
    const over = () => {
      if (asking === controller) asking = undefined;
      return !controller.signal.aborted;
    };
    ask(controller.signal).then(
      () => over() && heard(),
      () => over() && become(isOnline() ? "lost" : "offline"),
    );
  }

  function look() {
    if (!isOnline()) return become("offline");
    if (reach === "offline") heardAt = Number.NEGATIVE_INFINITY;
    if (asking) {
      if (now() - askedAt < ANSWER_MS) return;
      asking.abort();
      asking = undefined;
      // Data received meanwhile also counts.
      if (now() - heardAt >= ANSWER_MS) become("lost");
      return;
    }
    if (!isVisible()) return;
    const due = reach === "ok" ? now() - heardAt >= QUIET_MS : now() - askedAt >= RETRY_MS;
    if (due) question();
  }

  return {
    state: () => reach,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    heard,
    doubt() {
      if (watching && !asking) question();
    },
    lost: () => connection.signal,
    async reachable(signal) {
      while (reach !== "ok" && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const settle = () => {
            listeners.delete(settle);
            signal.removeEventListener("abort", settle);
            resolve();
          };
          listeners.add(settle);
          signal.addEventListener("abort", settle);
        });
      }
    },
    start() {
      watching = true;
      heardAt = now();
      const stop = every(LOOK_MS, look);
      const events = ["online", "offline"] as const;
      const onVisible = () => {
        // Timers of a hidden page pause, so the last data may be old.
        if (isVisible()) look();
      };
      for (const event of events) window.addEventListener(event, look);
      document.addEventListener("visibilitychange", onVisible);
      return () => {
        stop();
        watching = false;
        asking?.abort();
        asking = undefined;
        become("ok");
        for (const event of events) window.removeEventListener(event, look);
        document.removeEventListener("visibilitychange", onVisible);
      };
    },
  };
}

/** The current reachability. */
export function useReach(pulse: Pulse): Reach {
  return useSyncExternalStore(pulse.subscribe, pulse.state);
}
