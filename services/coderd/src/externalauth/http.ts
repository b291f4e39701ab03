import { errorMessage, FleetError } from "@fleet/base";
import { boundedFetch } from "@fleet/base/bounded-fetch";

/** How long a provider may take to answer, and how much of the answer is read. */
const LIMITS = { timeoutMs: 10_000, maxBytes: 1024 * 1024 };

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
    const asked = {
      method: init.method ?? "GET",
      headers: { Accept: "application/json", "User-Agent": "coder", ...init.headers },
      ...(init.body !== undefined && { body: init.body }),
    };
    const { status, headers, body } = await boundedFetch(url, asked, LIMITS);
    return { status, headers, fields: fieldsOf(Buffer.from(body).toString("utf8")) };
  } catch (cause) {
    if (cause instanceof FleetError) throw cause;
    throw new FleetError("unavailable", `${who} could not be reached. Try again in a moment.`, {
      detail: reasonOf(cause),
      cause,
    });
  }
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
