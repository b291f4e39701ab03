import { useEffect, useEffectEvent, useState } from "react";
import { pulse as pagePulse } from "./client.js";
import { isFleetError } from "./errors.js";
import type { Pulse } from "./pulse.js";

/** Delay between reconnects: doubled each time up to the maximum, with jitter. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** How often to check whether a stream has been silent for too long. */
const LISTEN_MS = 1_000;
/** Maximum silence of a stream with heartbeats, which are sent every 3 s. */
export const HEARTBEAT_LIMIT_MS = 8_000;

/**
 * `opening`: no data yet; `live`: the last item is current; `lost`: disconnected and reconnecting; `ended`: no more
 * items will come.
 */
export type LiveState = "opening" | "live" | "lost" | "ended";

export type FollowOptions<T> = {
  open(signal: AbortSignal): AsyncIterable<T>;
  onItem(item: T): void;
  onState(state: LiveState): void;
  /**
   * Called when the server closes the stream: is it complete, or should it be reopened? A restarting server closes
   * streams too.
   */
  isOver(): boolean;
  signal: AbortSignal;
  /** If the server is lost, the stream is closed immediately, and reopened when the server is back. */
  pulse?: Pick<Pulse, "heard" | "doubt" | "lost" | "reachable">;
  /** After this long without an item, the stream is replaced: network failures are not always reported. */
  silenceMs?(): number;
  /** Calls back periodically until the returned function is called; tests call it manually. */
  listen?(check: () => void): () => void;
  /** Waits before a retry; tests do not wait. */
  wait?(ms: number, signal: AbortSignal): Promise<void>;
};

/** Reads a stream until the signal aborts, and reopens it when it breaks. */
export async function follow<T>(options: FollowOptions<T>): Promise<void> {
  const { onItem, onState, isOver, signal, wait = sleep, pulse = pagePulse } = options;
  let longest = FIRST_WAIT_MS;
  while (!signal.aborted) {
    await pulse.reachable(signal);
    try {
      for await (const item of untilSilent(options)) {
        if (signal.aborted) return;
        longest = FIRST_WAIT_MS;
        pulse.heard();
        onState("live");
        onItem(item);
      }
      if (isOver()) return onState("ended");
    } catch (error) {
      if (signal.aborted) return;
      if (isFleetError(error, "not_found", "unauthenticated", "permission_denied")) return onState("ended");
    }
    if (signal.aborted) return;
    pulse.doubt();
    onState("lost");
    await wait(Math.random() * longest, signal);
    longest = Math.min(LONGEST_WAIT_MS, longest * 2);
  }
}

/** The stream's items, until it ends or is silent for too long. */
async function* untilSilent<T>(options: FollowOptions<T>): AsyncGenerator<T> {
  const { open, signal, silenceMs, listen = everySecond, pulse = pagePulse } = options;
  const silent = new AbortController();
  let heardAt = performance.now();
  const stop = listen(() => {
    if (!silenceMs || performance.now() - heardAt <= silenceMs()) return;
    silent.abort();
    pulse.doubt();
  });
  try {
    for await (const item of open(AbortSignal.any([signal, silent.signal, pulse.lost()]))) {
      heardAt = performance.now();
      yield item;
    }
  } finally {
    stop();
  }
}

function everySecond(check: () => void): () => void {
  const timer = setInterval(check, LISTEN_MS);
  return () => clearInterval(timer);
}

/** Resolves after the time, or when the signal aborts. A hidden page waits until it is visible. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    const stop = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", stop, { once: true });
  });
  if (document.visibilityState === "visible" || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const wake = () => {
      document.removeEventListener("visibilitychange", wake);
      resolve();
    };
    document.addEventListener("visibilitychange", wake);
    signal.addEventListener("abort", wake, { once: true });
  });
}

/** Follows an endless stream while the component is mounted. A new key opens a new stream; undefined opens none. */
export function useLive<T>(
  key: string | undefined,
  options: { open(signal: AbortSignal): AsyncIterable<T>; onItem(item: T): void },
): LiveState {
  const [state, setState] = useState<LiveState>("opening");
  const open = useEffectEvent(options.open);
  const onItem = useEffectEvent(options.onItem);
  useEffect(() => {
    if (key === undefined) return;
    const controller = new AbortController();
    setState("opening");
    void follow({
      open: (signal) => open(signal),
      onItem: (item) => onItem(item),
      onState: setState,
      isOver: () => false,
      silenceMs: () => HEARTBEAT_LIMIT_MS,
      signal: controller.signal,
    });
    return () => controller.abort();
  }, [key]);
  return state;
}
