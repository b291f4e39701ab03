import { useEffect, useEffectEvent, useState } from "react";
import { follow, HEARTBEAT_LIMIT_MS, type LiveState } from "./live.js";

/** Maximum number of lines kept by a page, about 30 MB; older ones are dropped. */
const KEPT_LINES = 100_000;
/** Lines are rendered in batches: the first ones soon, the rest of a long log in few steps. */
const FIRST_BATCH_MS = 30;
const BATCH_MS = 250;
/** Once a log is complete, the server closes the stream immediately; one that stays open for this long is broken. */
const END_MS = 10_000;

export type Lines<L> = {
  lines: readonly L[];
  /** Number of dropped lines. */
  dropped: number;
  state: LiveState;
};

export type LineSource<L> = {
  /** Identifies the log; undefined if there is none yet. */
  key: string | undefined;
  /** Opens the stream of lines after this ID. */
  open(after: number | undefined, signal: AbortSignal): AsyncIterable<L | readonly L[]>;
  /** True once no more lines can come: the log is complete when the server then closes the stream. */
  complete: boolean;
  /** Heartbeats were requested, so silence means that the stream is broken. */
  heartbeats?: boolean;
};

/** Follows a log from its first line. A broken stream resumes after the last line received. */
export function useLines<L extends { id: number }>(source: LineSource<L>): Lines<L> {
  const { key, open, complete, heartbeats = false } = source;
  const [lines, setLines] = useState<Lines<L>>({ lines: [], dropped: 0, state: "opening" });
  const openAfter = useEffectEvent(open);
  const isOver = useEffectEvent(() => complete);
  useEffect(() => {
    if (key === undefined) return;
    const controller = new AbortController();
    let last: number | undefined;
    let pending: L[] = [];
    let state: LiveState = "opening";
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wait = FIRST_BATCH_MS;
    setLines({ lines: [], dropped: 0, state });

    function flush() {
      timer = undefined;
      const arrived = pending;
      const reached = state;
      pending = [];
      setLines((before) => {
        const all = arrived.length === 0 ? before.lines : [...before.lines, ...arrived];
        const excess = Math.max(0, all.length - KEPT_LINES);
        return { lines: all.slice(excess), dropped: before.dropped + excess, state: reached };
      });
    }
    const schedule = () => {
      if (timer !== undefined) return;
      timer = setTimeout(flush, wait);
      wait = BATCH_MS;
    };

    void follow<L | readonly L[]>({
      open: (signal) => openAfter(last, signal),
      onItem(item) {
        for (const line of Array.isArray(item) ? (item as L[]) : [item as L]) {
          if (last !== undefined && line.id <= last) continue;
          last = line.id;
          pending.push(line);
        }
        schedule();
      },
      onState(next) {
        state = next;
        schedule();
      },
      isOver: () => isOver(),
      silenceMs: () => (isOver() ? END_MS : heartbeats ? HEARTBEAT_LIMIT_MS : Number.POSITIVE_INFINITY),
      signal: controller.signal,
    });
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [key, heartbeats]);
  return lines;
}
