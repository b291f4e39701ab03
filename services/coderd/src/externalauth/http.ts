import { errorMessage, FleetError } from "@fleet/base";

/** How long a provider may take to answer, and how much of the answer is read. */
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

export type Answer = {
  status: number;
  /** The JSON object or form that was answered; empty if it was neither. */
  fields: Record<string, unknown>;
  headers: Headers;
};

/**
 * Calls a provider. Redirects are not followed: they would carry the token elsewhere.
 * @throws unavailable if there is no answer.
 */
export async function call(
  who: string,
  url: string,
  init: { method?: string; headers?: Record<string, string>; body?: URLSearchParams | string } = {},
): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: init.method ?? "GET",
      headers: { Accept: "application/json", "User-Agent": "coder", ...init.headers },
      ...(init.body !== undefined && { body: init.body }),
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return {
      status: response.status,
      headers: response.headers,
      fields: fieldsOf(await bounded(response)),
    };
  } catch (cause) {
    if (cause instanceof FleetError) throw cause;
    throw new FleetError("unavailable", `${who} could not be reached. Try again in a moment.`, {
      detail: reasonOf(cause),
      cause,
    });
  }
}

async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new Error("The answer is too large.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Some services answer as a form even if asked for JSON. */
function fieldsOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return /^[\w-]+=/.test(text) ? Object.fromEntries(new URLSearchParams(text)) : {};
  }
}

/** `fetch failed` says nothing: its cause does. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return errorMessage(cause ?? error);
}
