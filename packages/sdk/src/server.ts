import { type FieldViolation, FleetError } from "@fleet/base";
import * as z from "zod";
import type { PathParams, Raw, RouteSpec } from "./route.js";

/** What a handler of the route receives. */
export type RouteParams<R extends RouteSpec> = PathParams<R["path"]>;
export type RouteQuery<R extends RouteSpec> = R["query"] extends z.ZodType ? z.output<R["query"]> : unknown;
export type RouteBody<R extends RouteSpec> = R["body"] extends z.ZodType ? z.output<R["body"]> : undefined;

/** What it answers with: JSON of this type; for a stream, the type of each message. */
export type RouteResponse<R extends RouteSpec> = R["response"] extends z.ZodType
  ? z.input<R["response"]>
  : R["response"] extends Raw
    ? Uint8Array | ReadableStream<Uint8Array>
    : undefined;

/**
 * The query of a request to this route. An empty value counts as left out, and of a repeated name the last one counts.
 * Throws `invalid_argument` that names each field that is wrong.
 */
export function parseQuery<R extends RouteSpec>(route: R, search: URLSearchParams): RouteQuery<R> {
  const values = Object.fromEntries([...search].filter(([, value]) => value !== ""));
  return parse(route.query ?? z.object({}), values, "The query is not valid.") as RouteQuery<R>;
}

/** The JSON body of a request to this route; unknown fields are dropped. Throws `invalid_argument` as `parseQuery` does. */
export function parseBody<R extends RouteSpec>(route: R, json: unknown): RouteBody<R> {
  if (!route.body || "raw" in route.body) return undefined as RouteBody<R>;
  return parse(route.body, json ?? {}, "The request is not valid.") as RouteBody<R>;
}

function parse(schema: z.ZodType, value: unknown, message: string): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const validations: FieldViolation[] = result.error.issues.map((issue) => ({
    field: issue.path.join(".") || "body",
    detail: issue.message,
  }));
  throw new FleetError("invalid_argument", message, { validations });
}
