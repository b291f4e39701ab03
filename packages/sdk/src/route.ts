import type * as z from "zod";
import type { Access } from "./access.js";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A binary body with one of these media types, not JSON. */
export type Raw = { raw: readonly string[] };

/**
 * How a route responds if not with a single response.
 * - `websocket`: the server sends `response` as JSON, one value per text message, and closes at the end.
 * - `exchange`: a `websocket` on which the client sends `message` as JSON, too. The server may skip a message that it has
 *   not looked at when a newer one arrives.
 * - `sse`: the server sends events; `response` describes each event's `{ type, data }`.
 * - `socket`: a WebSocket in both directions; the message format is in the summary.
 * - `upgrade`: `Connection: Upgrade` to a raw byte stream, with the protocol token of the route's `protocol`.
 */
export type Stream = "websocket" | "exchange" | "sse" | "socket" | "upgrade";

/**
 * How a route reports errors, where a standard or its reader requires it.
 * - `oauth2`: `{ error, error_description }` with the codes of RFC 6749 §5.2.
 * - `oauth2_client`: the same with the codes of RFC 7591 §3.2.2.
 * - `scim`: RFC 7644 §3.12; all bodies of the route are `application/scim+json`.
 * - `page`: HTML, for a person.
 */
export type FailureFormat = "oauth2" | "oauth2_client" | "scim" | "page";

export type RouteSpec = {
  method: Method;
  /** The full path, parameters as `:name`. A parameter's value is one path segment. */
  path: `/${string}`;
  /** What it does, as a short sentence. */
  summary: string;
  access: Access;
  /** The success status; 200 by default, and 101 for a stream over an upgraded connection. */
  status?: number;
  /** Other success statuses: 200 if nothing had to be created, 204 if there is nothing, 304. */
  alsoStatus?: readonly number[];
  /** The largest body in bytes, if not `BODY_LIMIT_BYTES`. */
  bodyLimit?: number;
  query?: z.ZodObject;
  body?: z.ZodType | Raw;
  /** Absent: the response has no body that a client reads. */
  response?: z.ZodType | Raw;
  /**
   * A stream may share its method and path with a plain route: the server picks the stream if the request asks for
   * an upgrade, or accepts `text/event-stream`.
   */
  stream?: Stream;
  /** What the client of an `exchange` sends, one value per text message. */
  message?: z.ZodType;
  /**
   * What a `websocket` stream sends every few seconds if requested with `?heartbeat=true`, so that a page,
   * which sees no WebSocket pings, notices within seconds that its server is gone. It carries no other information.
   */
  heartbeat?: unknown;
  /** The token in the `Upgrade` header of an `upgrade` stream. */
  protocol?: string;
  /** Query values that the client always sends. */
  always?: Readonly<Record<string, string>>;
  /** The body of its errors, if not `ApiMessage`. */
  failure?: FailureFormat;
  /** Pages of any origin may call it: it never uses cookies. */
  anyOrigin?: true;
  /** A GET of a browser on its way through a sign-in, which can fail like a request that changes something. */
  signsIn?: true;
  /** Accepts an `Idempotency-Key`: a repeat with the same key has no further effect and gets the first response. */
  takesKey?: true;
};

/**
 * The header that identifies a request and its retries as one (draft-ietf-httpapi-idempotency-key-header). Routes that
 * accept it set `takesKey`; all others ignore it.
 */
export const IDEMPOTENCY_KEY_HEADER = "Idempotency-Key";

/** The media type of SCIM (RFC 7644 §3.1). */
export const SCIM_MEDIA_TYPE = "application/scim+json";

/** Methods whose requests may always be retried (RFC 9110 §9.2.2). */
const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"]);

/** True for idempotent methods. */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT_METHODS.has(method);
}

/** The largest body of a request, JSON and raw. */
export const BODY_LIMIT_BYTES = { json: 2 * 1_024 * 1_024, raw: 100 * 1_024 * 1_024 } as const;

/** The maximum body size of a request to this route, in bytes. */
export function bodyLimit({ body, bodyLimit }: RouteSpec): number {
  return bodyLimit ?? (body && isRaw(body) ? BODY_LIMIT_BYTES.raw : BODY_LIMIT_BYTES.json);
}

/** True for a stream that takes over the connection. */
export function upgrades({ stream }: RouteSpec): boolean {
  return stream !== undefined && stream !== "sse";
}

/** A route as declared, with its status filled in. */
export type Route = RouteSpec & { status: number };

/** Declares a route; the constant's type carries the exact path, schemas and status. */
export function route<const S extends RouteSpec>(spec: S): S & { status: number } {
  return { ...spec, status: spec.status ?? (upgrades(spec) ? 101 : 200) };
}

/** A binary body with one of these media types. */
export function raw<const T extends readonly string[]>(...mediaTypes: T): { raw: T } {
  return { raw: mediaTypes };
}

export function isRaw(body: z.ZodType | Raw): body is Raw {
  return "raw" in body;
}

/** The parameters in a path: `PathParams<"/a/:b/c/:d">` is `{ b: string; d: string }`. */
export type PathParams<P extends string> = { [Name in ParamName<P>]: string };

type ParamName<P extends string> = P extends `${infer Segment}/${infer Rest}`
  ? ParamName<Segment> | ParamName<Rest>
  : P extends `:${infer Name}`
    ? Name
    : never;

/** The names of the parameters in a path, in order. */
export function paramNames(path: string): string[] {
  return [...path.matchAll(/:(\w+)/g)].map((match) => match[1]!);
}

/** The path with its parameters filled in and escaped. */
export function fillPath(path: string, params: Record<string, string> = {}): string {
  return path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
}
