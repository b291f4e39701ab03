import { createBackoff, isFleetError, RECONNECT } from "@fleet/base";
import type { Context } from "../context.js";

/** How long to retry a broken stream without new messages before giving up. */
const FOLLOW_LIMIT_MS = 60_000;

export type FollowOptions<T> = {
  /** Opens the stream after the line with this ID, or from the start. */
  open(after: number | undefined): AsyncIterable<T>;
  /** ID of the last line of a message; undefined if it has none. */
  lastOf(message: T): number | undefined;
  /** True once nothing more will come. */
  ended(): Promise<boolean>;
};

/**
 * Yields a log stream's messages until the log ends. If the stream breaks, for example because a replica stops, it
 * resumes after the last line: no line is lost or repeated.
 */
export async function* followToEnd<T>(context: Context, options: FollowOptions<T>): AsyncGenerator<T> {
  const { clock, signal } = context;
  const backoff = createBackoff({ ...RECONNECT, maxMs: 2_000 });
  let last: number | undefined;
  let heardAt = clock.now().getTime();
  for (;;) {
    try {
      for await (const message of options.open(last)) {
        last = options.lastOf(message) ?? last;
        heardAt = clock.now().getTime();
        backoff.reset();
        yield message;
      }
      if (await options.ended()) return;
      heardAt = clock.now().getTime();
    } catch (error) {
      const over = clock.now().getTime() - heardAt > FOLLOW_LIMIT_MS;
      if (signal.aborted || over || !isFleetError(error, "unavailable")) throw error;
    }
    await clock.sleep(backoff.next(), signal);
  }
}

/** Query of a stream that resumes after a line. */
export function afterLine(after: number | undefined): { query?: { after: number } } {
  return after === undefined ? {} : { query: { after } };
}
