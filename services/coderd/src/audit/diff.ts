/** An object's tracked fields, by the names clients show. */
export type Fields = Readonly<Record<string, unknown>>;

/** A changed field; secret values are left blank. */
export type FieldChange = { old: unknown; new: unknown; secret: boolean };
export type Diff = Record<string, FieldChange>;

/** The difference between two states of an object; a missing object has no fields. */
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

/** Converts a value to its JSON form. Bytes are only compared, never stored. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value === "bigint") return Number(value);
  return value ?? undefined;
}

/** The empty value of the same type, used as the old value of a created object and the new value of a deleted one. */
function blank(like: unknown): unknown {
  if (typeof like === "string") return "";
  if (typeof like === "number") return 0;
  if (typeof like === "boolean") return false;
  return Array.isArray(like) ? [] : null;
}
