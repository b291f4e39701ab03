import { FleetError } from "@fleet/base";
import { networkError, parseMessage } from "./client-error.js";

/** The largest event that is read, in characters. */
const EVENT_LIMIT = 16 * 1024 * 1024;

/** The server-sent events of a response, as `{ type, data }` with data parsed as JSON. Ends when the server ends it. */
export async function* readEvents(
  open: () => Promise<Response>,
  signal: AbortSignal | undefined,
): AsyncGenerator<never> {
  const response = await open();
  const lines = readLines(response, signal);
  let type = "message";
  let data: string[] = [];
  let size = 0;
  for await (const line of lines) {
    if (line === "") {
      if (data.length > 0 || type !== "message") yield event(type, data.join("\n"), response.url) as never;
      type = "message";
      data = [];
      size = 0;
      continue;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line)!;
    size += line.length;
    if (size > EVENT_LIMIT) throw tooLarge(response.url);
    if (field === "event") type = value!;
    if (field === "data") data.push(value!);
  }
}

function event(type: string, data: string, url: string): { type: string; data?: unknown } {
  return data === "" ? { type } : { type, data: parseMessage(data, url) };
}

async function* readLines(response: Response, signal: AbortSignal | undefined): AsyncGenerator<string> {
  if (!response.body) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop()!;
      if (rest.length > EVENT_LIMIT) throw tooLarge(response.url);
      yield* lines;
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
