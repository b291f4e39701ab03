import { useEffect, useEffectEvent, useState } from "react";
import { follow, HEARTBEAT_LIMIT_MS, type LiveState } from "./live.js";

/** Lines that a page keeps, some 30 MB; older ones give way. */
const KEPT_LINES = 100_000;
/** A burst is drawn at once, not line by line: the first lines soon, the rest of a long log in few steps. */
const FIRST_BATCH_MS = 30;
const BATCH_MS = 250;
/** Once nothing more can come, the server ends the stream at once; one that stays open for so long is broken. */
const END_MS = 10_000;

export type Lines<L> = {
  lines: readonly L[];
  /** How many lines gave way. */
  dropped: number;
  state: LiveState;
};

export type LineSource<L> = {
  /** Which log this is; undefined for none yet. */
  key: string | undefined;
  /** Opens the stream of lines that come after the one with this id. */
  open(after: number | undefined, signal: AbortSignal): AsyncIterable<L | readonly L[]>;
  /** True once nothing more can come: when the server then ends the stream, the log is whole. */
  complete: boolean;
  /** The stream was asked for heartbeats: its silence means that it is broken. */
  heartbeats?: boolean;
};

/** Follows a log from its first line. A stream that breaks off goes on after the last line that came. */
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
