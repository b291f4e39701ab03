import { type FieldViolation, FleetError } from "@fleet/base";
import * as z from "zod";
import { paramSchema } from "./params.js";
import type { PathParams, Raw, RouteSpec } from "./route.js";

/** What a handler of the route receives. */
export type RouteParams<R extends RouteSpec> = PathParams<R["path"]>;
export type RouteQuery<R extends RouteSpec> = R["query"] extends z.ZodType ? z.output<R["query"]> : unknown;
export type RouteBody<R extends RouteSpec> = R["body"] extends z.ZodType ? z.output<R["body"]> : undefined;

/** A message of an exchange's client, as its handler receives it. */
export type RouteMessage<R extends RouteSpec> = R["message"] extends z.ZodType
  ? z.output<R["message"]>
  : never;

/** A handler's result: JSON of this type; for a stream, the type of each message. */
export type RouteResponse<R extends RouteSpec> = R["response"] extends z.ZodType
  ? z.input<R["response"]>
  : R["response"] extends Raw
    ? Uint8Array | ReadableStream<Uint8Array>
    : undefined;

/** Maximum nesting of a request's JSON: deeper than any real request. */
const DEPTH_LIMIT = 32;
/** Maximum validation errors in a response. */
const VIOLATION_LIMIT = 20;

/** The parameters of a path, from the matcher. Throws `invalid_argument` that names each invalid one. */
export function parseParams<R extends RouteSpec>(_route: R, params: Record<string, string>): RouteParams<R> {
  const shape = Object.fromEntries(Object.keys(params).map((name) => [name, paramSchema(name)]));
  return parse(z.object(shape), params, "Invalid path parameters.") as RouteParams<R>;
}

/**
 * The query of a request to this route. An empty value counts as omitted, and the last of a repeated name counts.
 * Throws `invalid_argument` that names each invalid field.
 */
export function parseQuery<R extends RouteSpec>(route: R, search: URLSearchParams): RouteQuery<R> {
  const values = Object.fromEntries([...search].filter(([, value]) => value !== ""));
  return parse(route.query ?? z.object({}), values, "Invalid query parameters.") as RouteQuery<R>;
}

/** The JSON body of a request to this route; unknown fields are dropped. Throws `invalid_argument` as `parseQuery` does. */
export function parseBody<R extends RouteSpec>(route: R, json: unknown): RouteBody<R> {
  if (!route.body || "raw" in route.body) return undefined as RouteBody<R>;
  return parse(route.body, json ?? {}, "Invalid request.") as RouteBody<R>;
}

/** A message of an exchange's client. Throws `invalid_argument` as `parseQuery` does. */
export function parseMessage<R extends RouteSpec>(route: R, json: unknown): RouteMessage<R> {
  return parse(route.message ?? z.never(), json, "Invalid message.") as RouteMessage<R>;
}

function parse(schema: z.ZodType, value: unknown, message: string): unknown {
  const unstorable = findUnstorable(value, [], DEPTH_LIMIT);
  if (unstorable) throw new FleetError("invalid_argument", message, { validations: [unstorable] });
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const validations: FieldViolation[] = result.error.issues.slice(0, VIOLATION_LIMIT).map((issue) => ({
    field: issue.path.join(".") || "body",
    detail: issue.message,
  }));
  throw new FleetError("invalid_argument", message, { validations });
}

/**
 * Checks that need not be in each schema: Postgres accepts no NUL, and an unpaired surrogate is not a character. Keys
 * are checked too, since they may become values.
 */
function findUnstorable(value: unknown, path: readonly string[], depth: number): FieldViolation | undefined {
  const at = (detail: string) => ({ field: path.join(".") || "body", detail });
  if (typeof value === "string") {
    if (value.includes("\u0000")) return at("Must not contain the character NUL.");
    return value.isWellFormed() ? undefined : at("Must be valid Unicode.");
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (depth === 0) return at("Must not be nested so deeply.");
  for (const [key, inner] of Object.entries(value)) {
    if (key.includes("\u0000") || !key.isWellFormed()) return at("Keys must be valid Unicode.");
    const found = findUnstorable(inner, [...path, key], depth - 1);
    if (found) return found;
  }
  return undefined;
}
