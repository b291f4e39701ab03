import type { Clock } from "@fleet/base";
import type { Pubsub } from "./pubsub.js";

/** How long an update can be delayed by a lost message. */
const POLL_MS = 5_000;

/**
 * `next` resolves when something may have changed since the last call: a message, a reconnect, or the poll interval.
 */
export async function hintsOf(
  pubsub: Pubsub,
  channel: string,
  clock: Clock,
  signal: AbortSignal,
  pollMs = POLL_MS,
): Promise<{ next(): Promise<void> }> {
  let changed = false;
  let wake = () => {};
  const hint = () => {
    changed = true;
    wake();
  };
  const timer = clock.every(pollMs, hint);
  // Without Redis, rely on polling alone.
  const stop = await pubsub.listen(channel, hint).catch(() => () => {});
  const end = () => {
    timer.cancel();
    stop();
    wake();
  };
  if (signal.aborted) end();
  else signal.addEventListener("abort", end, { once: true });
  return {
    async next() {
      if (!changed && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve));
      changed = false;
    },
  };
}
