import { FleetError, toFleetError } from "@fleet/base";

/** Retry-After, in seconds. */
export const RETRY_AFTER_SECONDS = 1;

/**
 * Codes of the system, of SQL (connections, server shutdown and startup), of Prisma, and our own passed through by
 * Prisma.
 */
const POSTGRES_CODES =
  /^(ECONN[A-Z]+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|08[0-9A-Z]{3}|57P0[1-3]|53300|P1001|P1002|P1008|P1017|P2024|P2028|unavailable)$/;
/** Messages of `pg` and Prisma's adapter that come without a code. */
const POSTGRES_WORDS =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|ConnectionClosed|DatabaseNotReachable|SocketTimeout|ServerClosedConnection)/;
const REDIS_NAMES = new Set(["AbortError", "MaxRetriesPerRequestError", "ReplyError"]);
const REDIS_WORDS =
  /^(Stream isn't writeable|Connection is closed|Command timed out|Reached the max retries|LOADING )/;
/**
 * Errors for values that a column cannot hold: an invalid UUID, a NUL in text, a number or time out of range. From SQL
 * (class 22, data exceptions) and Prisma.
 */
const UNSTORABLE_CODES = /^(22[0-9A-Z]{3}|P2000|P2020|P2023|P2033)$/;
/** Maximum depth of nested causes. */
const DEPTH = 6;

type Fields = {
  code?: unknown;
  originalCode?: unknown;
  name?: unknown;
  kind?: unknown;
  message?: unknown;
  cause?: unknown;
  meta?: { code?: unknown; driverAdapterError?: unknown };
  errors?: readonly unknown[];
};

/** True if connecting to Postgres failed or the connection broke, so that a retry may succeed. */
export function isPostgresAway(error: unknown): boolean {
  return some(error, ({ code, originalCode, kind, message, meta }) => {
    const codes = [code, originalCode, meta?.code].some(
      (c) => typeof c === "string" && POSTGRES_CODES.test(c),
    );
    return codes || [kind, message].some((text) => typeof text === "string" && POSTGRES_WORDS.test(text));
  });
}

function isRedisAway(error: unknown): boolean {
  return some(
    error,
    ({ name, message }) =>
      typeof message === "string" &&
      REDIS_WORDS.test(message) &&
      (name === "Error" || REDIS_NAMES.has(String(name))),
  );
}

/** True if the database rejected a value from the request itself. */
function isUnstorable(error: unknown): boolean {
  return some(error, ({ code, originalCode, meta }) =>
    [code, originalCode, meta?.code].some((c) => typeof c === "string" && UNSTORABLE_CODES.test(c)),
  );
}

function some(error: unknown, test: (fields: Fields) => boolean, depth = DEPTH): boolean {
  if (typeof error !== "object" || error === null || depth === 0) return false;
  const fields = error as Fields;
  if (test(fields)) return true;
  return [fields.cause, fields.meta?.driverAdapterError, ...(fields.errors ?? [])].some((inner) =>
    some(inner, test, depth - 1),
  );
}

/**
 * Converts an error for API responses: domain errors are unchanged; `unavailable` if Postgres or Redis is unavailable,
 * which is temporary and not the caller's fault; `invalid_argument` for a value that no column can hold; `internal`
 * for everything else.
 */
export function toTold(error: unknown): FleetError {
  if (error instanceof FleetError) return error;
  if (isRedisAway(error)) {
    return new FleetError("unavailable", "Redis is not responding. Try again in a moment.", { cause: error });
  }
  if (isPostgresAway(error)) {
    return new FleetError(
      "unavailable",
      "The database (Postgres) is not responding. No data was lost; try again in a moment.",
      { cause: error },
    );
  }
  if (isUnstorable(error)) {
    return new FleetError(
      "invalid_argument",
      "The request contains a value that cannot be stored: an invalid ID, a NUL character, or a number or time out of range.",
      { cause: error },
    );
  }
  return toFleetError(error);
}
