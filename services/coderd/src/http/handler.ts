import type { RouteBody, RouteParams, RouteQuery, RouteResponse, RouteSpec, Routes } from "@fleet/sdk";
import type { Actor } from "../auth/actor.js";
import type { Idempotency } from "../provisionerjobs/idempotency.js";
import type { Reply } from "./reply.js";

/** What every handler gets, checked against the route's schemas. */
export type HandlerRequest<R extends RouteSpec> = {
  params: RouteParams<R>;
  query: RouteQuery<R>;
  /** The parsed JSON; for a raw body the bytes are in `raw`. */
  body: RouteBody<R>;
  raw: Buffer;
  contentType: string;
  /** Where the route takes an Idempotency-Key and the request carries one. */
  idempotency?: Idempotency | undefined;
  /** Who asks. `anonymous` on public routes without a valid session. */
  actor: Actor;
  /** Aborts when the client goes away. */
  signal: AbortSignal;
  requestId: string;
  ip: string;
  userAgent: string;
  headers: Record<string, string | string[] | undefined>;
};

type Answer<R extends RouteSpec> = R["stream"] extends "websocket" | "sse"
  ? AsyncIterable<RouteResponse<R>>
  : RouteResponse<R> | Reply;

/** Answers one route. It throws a FleetError for anything that the user should be told. */
export type Handler<R extends RouteSpec> = (request: HandlerRequest<R>) => Promise<Answer<R>>;

/** Routes that the proxy answers by itself: they never reach coderd. */
export type ProxyRoute = {
  [Name in keyof Routes]: Routes[Name] extends { stream: "upgrade" | "socket" } ? Name : never;
}[keyof Routes];

/** A handler for each route that coderd serves. A missing one does not compile. */
export type Handlers = { [Name in Exclude<keyof Routes, ProxyRoute>]: Handler<Routes[Name]> };

/** A handler with its route's types forgotten: the router has checked them. */
export type AnyHandler = (request: HandlerRequest<RouteSpec>) => Promise<unknown>;
