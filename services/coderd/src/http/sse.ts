import type { ServerResponse } from "node:http";
import { type Clock, drained, systemClock } from "@fleet/base";

/**
 * Interval of keep-alive comments, which stop middleboxes from closing an idle stream: nginx's default timeout is 60 s.
 */
const PING_MS = 15_000;
/**
 * A reader that reads nothing for this many pings is disconnected. It may reconnect and starts from the current state.
 */
const STALLED_PINGS = 3;

/**
 * Writes `{ type, data }` values as server-sent events, at the reader's pace, until they end, the client disconnects,
 * or the server ends the response.
 */
export async function writeEvents(
  response: ServerResponse,
  events: AsyncIterable<unknown>,
  clock: Clock = systemClock,
): Promise<void> {
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
  });
  response.flushHeaders();
  let stalled = 0;
  const ping = clock.every(PING_MS, () => {
    stalled = response.writableNeedDrain ? stalled + 1 : 0;
    if (stalled >= STALLED_PINGS) response.destroy();
    else if (stalled === 0 && !response.writableEnded) response.write("event: ping\ndata: null\n\n");
  });
  try {
    for await (const event of events) {
      if (response.writableEnded) return;
      const { type, data } = event as { type: string; data: unknown };
      const room = response.write(`event: ${type}\ndata: ${JSON.stringify(data ?? null)}\n\n`);
      if (response.destroyed) return;
      if (!room) await drained(response);
    }
  } finally {
    ping.cancel();
    response.end();
  }
}
