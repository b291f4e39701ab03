import * as z from "zod";

/**
 * How primitive values look on the wire. Existing clients are written in Go, which determines the rules: a nil slice is
 * `null`, and a UUID field that is "omitted when empty" is the nil UUID.
 *
 * Limits on requests are defined here, once: Postgres stores no NUL, no year 0 and no integer beyond its column, and
 * nothing that a client sends may grow without limit. Responses are described by the plain zod types.
 */

const NIL_UUID = "00000000-0000-0000-0000-000000000000";

/** The largest value of Postgres' `integer`, and the largest whole number that JSON carries exactly. */
export const INT4_MAX = 2_147_483_647;
const SAFE_MAX = Number.MAX_SAFE_INTEGER;

/** Maximum string lengths of a request, in UTF-16 units, by kind. */
export const MAX_LENGTH = {
  /** A name or an id; stored names have tighter limits of their own. */
  name: 128,
  /** A display name, a label. */
  label: 256,
  email: 254,
  password: 1_024,
  /** An icon or avatar may be a small `data:` URL. */
  url: 8_192,
  /** A search, a schedule, a list of ids. */
  query: 4_096,
  description: 8_192,
  /** The value of a parameter or variable, a message, a block of log output. */
  text: 1_048_576,
  /** Terraform state, base64. */
  state: 64 * 1_048_576,
} as const;

/** Maximum items of a list in a request. */
export const MAX_ITEMS = 1_000;

/** A hyphenated UUID; of any version, including the nil UUID. */
export const Id = z.guid({ error: "Must be a UUID." });

/** RFC 3339 with an offset. */
export const Timestamp = z.iso.datetime({
  offset: true,
  error: "Must be an RFC 3339 timestamp, for example 2030-01-31T08:00:00Z.",
});

/** A Go duration: whole nanoseconds. */
export const Nanoseconds = z.number();

/** A whole number of milliseconds. */
export const Milliseconds = z.number().int();

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const ONE_LINE = /^[^\u0000-\u001f\u007f]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is refused
const STORABLE = /^[^\u0000]*$/;

/** A string of one line, without control characters. */
export function line(max: number) {
  return z
    .string()
    .max(max, `Must be at most ${max} characters long.`)
    .regex(ONE_LINE, "Must not contain control characters.");
}

/** A string that may have several lines, and any character that can be stored. */
export function text(max: number) {
  return z
    .string()
    .max(max, `Must be at most ${max} characters long.`)
    .regex(STORABLE, "Must not contain the character NUL.");
}

/** The name or id of something to look up. */
export const Name = line(MAX_LENGTH.name);
export const Label = line(MAX_LENGTH.label);
export const Description = text(MAX_LENGTH.description);
export const Text = text(MAX_LENGTH.text);
export const Url = line(MAX_LENGTH.url);
export const Email = z
  .email({ error: "Must be an email address." })
  .max(MAX_LENGTH.email, `Must be at most ${MAX_LENGTH.email} characters long.`);
export const Password = text(MAX_LENGTH.password);
export const Search = text(MAX_LENGTH.query);

/** Bytes in base64, such as Terraform state; whitespace from line wrapping is accepted. */
export const Base64 = z
  .string()
  .max(MAX_LENGTH.state, `Must be at most ${MAX_LENGTH.state} characters long.`)
  .regex(/^[A-Za-z0-9+/\s]*={0,2}\s*$/, "Must be base64.");

/** The body of a request that carries state. */
export const STATE_BODY_LIMIT = MAX_LENGTH.state + 65_536;

/** A whole number within these bounds. */
export function int(min: number, max: number) {
  return z
    .number({ error: "Must be a whole number." })
    .int("Must be a whole number.")
    .min(min, `Must be at least ${min}.`)
    .max(max, `Must be at most ${max}.`);
}

/** A time in a request: of a year that Postgres and every client support, 1 to 9999. */
export const Instant = Timestamp.refine((value) => {
  const at = Date.parse(value);
  return at >= Date.parse("0001-01-01T00:00:00Z") && at <= Date.parse("9999-12-31T23:59:59.999Z");
}, "Must be between the years 1 and 9999.");

/** The longest duration of a request, a hundred years: a date that far from today is still valid. */
const MAX_DURATION_MS = 36_525 * 24 * 3_600_000;

/** Durations of a request; zero mostly means none. */
export const DurationMs = int(0, MAX_DURATION_MS);
/** Beyond 2^53 a double cannot represent odd nanoseconds, which does not matter. */
export const DurationNs = z
  .number({ error: "Must be a duration in nanoseconds." })
  .refine(Number.isInteger, "Must be a whole number of nanoseconds.")
  .min(0, "Must be at least 0.")
  .max(MAX_DURATION_MS * 1_000_000, "Must be at most 100 years.");

/** A list of a request. */
export function list<T extends z.ZodType>(item: T, max: number = MAX_ITEMS) {
  return z.array(item).max(max, `Must have at most ${max} items.`);
}

/** A map of a request, from names to values. */
export function map<T extends z.ZodType>(value: T, max: number = MAX_ITEMS) {
  return z
    .record(Label, value)
    .refine((entries) => Object.keys(entries).length <= max, `Must have at most ${max} entries.`);
}

/** A request field that may be omitted; `null` counts as omitted. */
export function maybe<T extends z.ZodType>(schema: T) {
  return schema
    .nullish()
    .transform((value) => value ?? undefined)
    .optional();
}

/** A UUID in a request that may be omitted; `null`, `""` and the nil UUID count as omitted. */
export const maybeId = z
  .union([Id, z.literal("")])
  .nullish()
  .transform((id) => (id && id !== NIL_UUID ? id : undefined))
  .optional();

/** A whole number in a query string, in decimal digits. */
export function queryInt(min: number, max: number) {
  return z.preprocess(
    (value) => (typeof value === "string" && /^-?\d{1,16}$/.test(value) ? Number(value) : value),
    int(min, max),
  );
}

/** A boolean in a query string, written `true` or `false`. */
export const queryBoolean = z.stringbool({ error: "Must be true or false." });

/** Comma-separated UUIDs in a query string. */
export const queryIds = line(MAX_LENGTH.query)
  .transform((value) => value.split(",").map((id) => id.trim()))
  .pipe(z.array(Id));

/** The range of a log: lines after one id and before another. Clients send -1 for "from the start". */
export const logRange = {
  before: queryInt(-1, SAFE_MAX).optional(),
  after: queryInt(-1, SAFE_MAX).optional(),
};

/** Paging parameters of lists: at most `limit` items from `offset` on, or after the item with this id. */
export const paging = {
  limit: queryInt(0, INT4_MAX).optional(),
  offset: queryInt(0, INT4_MAX).optional(),
  after_id: Id.optional(),
};

/** Requests a stream's heartbeat. */
export const heartbeatQuery = z.object({ heartbeat: queryBoolean.optional() });

/** The heartbeat of a stream of `{ type, data }`. */
export const EVENT_HEARTBEAT = { type: "ping" } as const;
