import * as z from "zod";

/**
 * How primitive values look on the wire. Existing clients are written in Go, which shapes the rules: a nil slice arrives
 * as `null`, and a UUID field that is "omitted when empty" arrives as the nil UUID.
 */

const NIL_UUID = "00000000-0000-0000-0000-000000000000";

/** A UUID in its hyphenated form; any version, the nil UUID included. */
export const Id = z.guid();

/** RFC 3339 with an offset. */
export const Timestamp = z.iso.datetime({ offset: true });

/** A Go duration: whole nanoseconds. */
export const Nanoseconds = z.number();

/** A whole number of milliseconds. */
export const Milliseconds = z.number().int();

/** A field of a request that may be left out; `null` counts as left out. */
export function maybe<T extends z.ZodType>(schema: T) {
  return schema
    .nullish()
    .transform((value) => value ?? undefined)
    .optional();
}

/** A UUID in a request that may be left out; `null`, `""` and the nil UUID count as left out. */
export const maybeId = z
  .union([Id, z.literal("")])
  .nullish()
  .transform((id) => (id && id !== NIL_UUID ? id : undefined))
  .optional();

/** A number in a query string. */
export const queryNumber = z.coerce.number().int();

/** A boolean in a query string, written `true` or `false`. */
export const queryBoolean = z.stringbool();

/** The paging that lists share: at most `limit` items from `offset` on, or after the item with this id. */
export const paging = {
  limit: queryNumber.min(0).optional(),
  offset: queryNumber.min(0).optional(),
  after_id: Id.optional(),
};
