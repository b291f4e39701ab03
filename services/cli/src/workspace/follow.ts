import { createBackoff, isFleetError, RECONNECT } from "@fleet/base";
import type { Context } from "../context.js";

/** A stream that breaks is opened again for so long, without anything new from it, before it is given up. */
const FOLLOW_LIMIT_MS = 60_000;

export type FollowOptions<T> = {
  /** Opens the stream of what comes after the line of this id, or of all. */
  open(after: number | undefined): AsyncIterable<T>;
  /** The id of the last line of a message; undefined where it has none. */
  lastOf(message: T): number | undefined;
  /** True once nothing more will come. */
  ended(): Promise<boolean>;
};

/**
 * The messages of a log's stream to its very end. Where the stream breaks, since a replica ended, it goes on behind the
 * last line over another one: no line is lost or comes twice.
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

/** The query of a stream that goes on behind a line. */
export function afterLine(after: number | undefined): { query?: { after: number } } {
  return after === undefined ? {} : { query: { after } };
}
