import { abortError, ERROR_CODES, type ErrorCode, type FieldViolation, FleetError } from "@fleet/base";

/** The largest error body that is read, in bytes; anything larger is not a message for users. */
const ERROR_BODY_LIMIT = 64 * 1024;

/** No response, or one that is not the deployment's: the network, or something in between, failed. */
export class NoAnswer extends FleetError {}

/** The error for a response with a failing status. */
export async function responseError(response: Response): Promise<FleetError> {
  const code = codeOfHttpStatus(response.status);
  const body = parseErrorBody(await readText(response).catch(() => ""));
  if (!body) {
    return new NoAnswer(
      code,
      `${withoutQuery(response.url)} returned status ${response.status} and does not look like a Coder deployment. Check the URL and any proxies in between.`,
    );
  }
  return new FleetError(code, body.message, {
    ...(body.detail ? { detail: body.detail } : {}),
    validations: body.validations ?? [],
  });
}

/** The error of a request without a response: `canceled` if the caller aborted it, else `unavailable`. */
export function networkError(url: string, cause: unknown, signal: AbortSignal | undefined): Error {
  if (signal?.aborted) return abortError(signal);
  return new NoAnswer(
    "unavailable",
    `Could not reach ${withoutQuery(url)}. Check the address, and that the deployment is running.`,
    { cause, detail: reasonOf(cause) },
  );
}

/** The system's message: fetch hides it one or two causes deep, behind "fetch failed". */
function reasonOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const [first] = thrown instanceof AggregateError ? thrown.errors : [thrown.cause];
  return reasonOf(first) ?? (thrown.message || undefined);
}

/** The code for an HTTP status; if several share one, the most general. */
export function codeOfHttpStatus(status: number): ErrorCode {
  for (const [code, statuses] of Object.entries(ERROR_CODES)) {
    if (statuses.http === status) return code as ErrorCode;
  }
  if (status === 502) return "unavailable";
  return status >= 500 ? "internal" : "invalid_argument";
}

/** Parses the JSON of a stream message. Throws `unavailable` if invalid: the stream was cut or is not the API's. */
export function parseMessage(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new NoAnswer("unavailable", `${withoutQuery(url)} sent a message that is not valid JSON.`, {
      cause,
    });
  }
}

/** A query can contain a token: messages never show it. */
function withoutQuery(url: string): string {
  return url.split("?", 1)[0]!;
}

async function readText({ body }: Response): Promise<string> {
  if (!body) return "";
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let size = 0; size <= ERROR_BODY_LIMIT; ) {
    const { done, value } = await reader.read();
    if (done) return text;
    size += value.byteLength;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text;
}

function parseErrorBody(
  text: string,
): { message: string; detail?: string; validations?: FieldViolation[] } | undefined {
  try {
    const body: unknown = JSON.parse(text);
    const isError = typeof body === "object" && body !== null && "message" in body;
    return isError && typeof body.message === "string" ? (body as never) : undefined;
  } catch {
    return undefined;
  }
}
