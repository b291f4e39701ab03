import { once } from "node:events";
import type { ServerResponse } from "node:http";

/** A comment this often keeps middleboxes from cutting an idle stream: nginx's default limit is 60 s. */
const PING_MS = 15_000;

/**
 * Writes `{ type, data }` values as server-sent events, at the reader's pace, until they end, the client leaves, or the
 * server ends the response.
 */
export async function writeEvents(response: ServerResponse, events: AsyncIterable<unknown>): Promise<void> {
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
  });
  response.flushHeaders();
  const ping = setInterval(() => {
    if (!response.writableEnded) response.write("event: ping\ndata: null\n\n");
  }, PING_MS);
  try {
    for await (const event of events) {
      if (response.writableEnded) return;
      const { type, data } = event as { type: string; data: unknown };
      const room = response.write(`event: ${type}\ndata: ${JSON.stringify(data ?? null)}\n\n`);
      if (response.destroyed) return;
      if (!room) await Promise.race([once(response, "drain"), once(response, "close")]);
    }
  } finally {
    clearInterval(ping);
    response.end();
  }
}
