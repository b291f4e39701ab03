import { useSyncExternalStore } from "react";

/** How long the server may be silent until it is asked, and how long that may take: lost within 9 s. */
const QUIET_MS = 4_000;
const ANSWER_MS = 4_000;
/** How often a server that is lost is asked again. */
const RETRY_MS = 1_500;
const LOOK_MS = 500;

/** `offline`: the browser has no network. `lost`: the server does not answer. */
export type Reach = "ok" | "offline" | "lost";

export type Pulse = {
  state(): Reach;
  subscribe(listener: () => void): () => void;
  /** Something has come from the server. */
  heard(): void;
  /** Something that should have come from the server has not: ask it now. */
  doubt(): void;
  /** Aborts when the server is lost: what was asked of it will not be answered. */
  lost(): AbortSignal;
  /** Resolves once the server can be reached, or when the signal aborts. */
  reachable(signal: AbortSignal): Promise<void>;
  /** Watches until the returned function is called. A hidden page asks nothing. */
  start(): () => void;
};

export type PulseOptions = {
  /** Asks the server for the least that it can answer; rejects when it does not. */
  ask(signal: AbortSignal): Promise<unknown>;
  now?(): number;
  isOnline?(): boolean;
  isVisible?(): boolean;
  /** Calls back now and then, until what it gave is called; a test does it by hand. */
  every?(ms: number, look: () => void): () => void;
};

/** Whether the server answers: from all that comes from it, and from a question of its own where nothing does. */
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
      // What came meanwhile by another way counts.
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
        // Timers of a hidden page stand still: what was heard last is long ago.
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

/** How the server can be reached at the moment. */
export function useReach(pulse: Pulse): Reach {
  return useSyncExternalStore(pulse.subscribe, pulse.state);
}
