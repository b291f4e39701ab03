import { FleetError } from "@fleet/base";
import { createParser } from "eventsource-parser";
import { networkError, parseMessage } from "./client-error.js";

/** The largest accepted event, in characters. */
const EVENT_LIMIT = 16 * 1024 * 1024;

/** The server-sent events of a response, as `{ type, data }` with data parsed as JSON. Ends when the server ends it. */
export async function* readEvents(
  open: () => Promise<Response>,
  signal: AbortSignal | undefined,
): AsyncGenerator<never> {
  const response = await open();
  if (!response.body) return;
  const arrived: { type: string; data: unknown }[] = [];
  const parser = createParser({
    maxBufferSize: EVENT_LIMIT,
    onEvent({ event = "message", data }) {
      arrived.push({ type: event, data: data === "" ? undefined : parseMessage(data, response.url) });
    },
    onError(error) {
      if (error.type === "max-buffer-size-exceeded") throw tooLarge(response.url);
    },
  });
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* arrived.splice(0) as never[];
    }
  } catch (error) {
    throw error instanceof FleetError ? error : networkError(response.url, error, signal);
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function tooLarge(url: string): FleetError {
  return new FleetError(
    "too_large",
    `${url.split("?", 1)[0]} sent an event of more than ${EVENT_LIMIT} characters.`,
  );
}
