import * as z from "zod";
import { INT4_MAX, int, list, map, maybe, Name, Search } from "../wire.js";

/**
 * A resource of RFC 7643, or a PATCH body of RFC 7644: its attributes are described by `/scim/v2/Schemas`. Names are
 * matched without regard to case, and attributes that are not stored are ignored.
 */
export const ScimBody = map(z.unknown());

/** A resource with the attributes that its schema describes. */
export const ScimResource = z.looseObject({
  schemas: z.array(z.string()),
  id: z.string().optional(),
  meta: z.looseObject({ resourceType: z.string(), location: z.string() }),
});

export const ScimListResponse = z.object({
  schemas: z.array(z.string()),
  totalResults: z.number(),
  /** Counted from 1. */
  startIndex: z.number(),
  itemsPerPage: z.number(),
  Resources: z.array(z.looseObject({ schemas: z.array(z.string()), id: z.string().optional() })),
});

export const ScimError = z.object({
  schemas: z.array(z.string()),
  status: z.string(),
  /** The keyword of RFC 7644 §3.12, if there is one. */
  scimType: z.string().optional(),
  detail: z.string(),
});

const index = int(-INT4_MAX, INT4_MAX);

/** The parameters of a query as a body. */
export const ScimSearchRequest = z.object({
  schemas: maybe(list(Name)),
  attributes: maybe(list(Name)),
  excludedAttributes: maybe(list(Name)),
  filter: maybe(Search),
  sortBy: maybe(Name),
  sortOrder: maybe(z.enum(["ascending", "descending"])),
  /** Counted from 1. */
  startIndex: maybe(index),
  count: maybe(index),
});
