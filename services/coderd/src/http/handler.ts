import type {
  RouteBody,
  RouteMessage,
  RouteParams,
  RouteQuery,
  RouteResponse,
  RouteSpec,
  Routes,
} from "@fleet/sdk";
import type { Actor, UserActor } from "../auth/actor.js";
import type { Idempotency } from "../provisionerjobs/idempotency.js";
import type { Reply } from "./reply.js";

/** A handler's input, validated against the route's schemas. */
export type HandlerRequest<R extends RouteSpec> = {
  params: RouteParams<R>;
  query: RouteQuery<R>;
  /** The parsed JSON; for a raw body, the bytes are in `raw`. */
  body: RouteBody<R>;
  raw: Buffer;
  /** What the client of an `exchange` sends: the newest message that was not read yet, then the next. Else empty. */
  received: AsyncIterable<RouteMessage<R>>;
  contentType: string;
  /** Set if the route accepts an Idempotency-Key and the request has one. */
  idempotency?: Idempotency | undefined;
  /** The caller; `anonymous` on public routes without a valid session. */
  actor: Actor;
  /** The caller as they are at present, for what a stream reads later. Throws `unauthenticated` if the session has ended. */
  current?: () => Promise<UserActor>;
  /** Aborts when the client disconnects. */
  signal: AbortSignal;
  requestId: string;
  ip: string;
  userAgent: string;
  headers: Record<string, string | string[] | undefined>;
};

type Answer<R extends RouteSpec> = R["stream"] extends "websocket" | "exchange" | "sse"
  ? AsyncIterable<RouteResponse<R>>
  : RouteResponse<R> | Reply;

/** Handles one route. Throws a FleetError for any error the user should see. */
export type Handler<R extends RouteSpec> = (request: HandlerRequest<R>) => Promise<Answer<R>>;

/** Routes served by the proxy itself, which never reach coderd. */
export type ProxyRoute = {
  [Name in keyof Routes]: Routes[Name] extends { stream: "upgrade" | "socket" } ? Name : never;
}[keyof Routes];

/** A handler for each route that coderd serves. A missing one is a compile error. */
export type Handlers = { [Name in Exclude<keyof Routes, ProxyRoute>]: Handler<Routes[Name]> };

/** A handler with its route's types erased: the router has validated the input. */
export type AnyHandler = (request: HandlerRequest<RouteSpec>) => Promise<unknown>;
