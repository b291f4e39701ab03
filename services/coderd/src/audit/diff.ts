/** What is tracked of an object, by the names that clients show. */
export type Fields = Readonly<Record<string, unknown>>;

/** A change of one field; the values of a secret stay blank. */
export type FieldChange = { old: unknown; new: unknown; secret: boolean };
export type Diff = Record<string, FieldChange>;

/** What has changed between two states of an object; an object that is not there has no field. */
export function diffOf(
  before: Fields | undefined,
  after: Fields | undefined,
  secrets: readonly string[],
): Diff {
  const diff: Diff = {};
  for (const field of new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])) {
    const [from, to] = [plain(before?.[field]), plain(after?.[field])];
    if (JSON.stringify(from) === JSON.stringify(to)) continue;
    const secret = secrets.includes(field);
    diff[field] = { old: secret ? "" : (from ?? blank(to)), new: secret ? "" : (to ?? blank(from)), secret };
  }
  return diff;
}

/** A value as JSON holds it. Bytes are only ever compared. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value === "bigint") return Number(value);
  return value ?? undefined;
}

/** The empty value of the same kind: an object that is made, or deleted, had nothing before, or has nothing after. */
function blank(like: unknown): unknown {
  if (typeof like === "string") return "";
  if (typeof like === "number") return 0;
  if (typeof like === "boolean") return false;
  return Array.isArray(like) ? [] : null;
}
