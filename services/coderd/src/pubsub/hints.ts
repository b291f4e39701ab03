import type { Clock } from "@fleet/base";
import type { Pubsub } from "./pubsub.js";

/** How long a lost message can hold back what it would have told. */
const POLL_MS = 5_000;

/** Resolves `next` once something may have changed since the last call: a message, a reconnect, or the slow poll. */
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
  // Without Redis the poll goes on alone.
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
