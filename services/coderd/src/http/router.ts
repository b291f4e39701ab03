import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { FleetError, type Logger } from "@fleet/base";
import { isRaw, parseBody, parseQuery, type RouteSpec, routes } from "@fleet/sdk";
import express, { type Express, type Request, type Response } from "express";
import type { Actor } from "../auth/actor.js";
import { errorResponse } from "./errors.js";
import type { HandlerRequest, Handlers } from "./handler.js";
import { idempotencyOf } from "./idempotency.js";
import { Reply } from "./reply.js";
import { writeEvents } from "./sse.js";

/** The largest JSON body, and the largest upload of a template archive. */
const JSON_LIMIT_BYTES = 2 * 1024 * 1024;
const RAW_LIMIT_BYTES = 100 * 1024 * 1024;

/** A handler with its route's types forgotten: the router has checked them. */
export type AnyHandler = (request: HandlerRequest<RouteSpec>) => Promise<unknown>;

export type RouterOptions = {
  handlers: Handlers;
  /** The actor that the route's access asks for; throws when the request has none. */
  actorOf(request: IncomingMessage, url: URL, route: RouteSpec): Promise<Actor>;
  /** Counts the request; throws `resource_exhausted` beyond the limit. */
  limit(request: IncomingMessage, actor: Actor, route: RouteSpec): Promise<void>;
  logger: Logger;
};

/** Mounts every plain and event-stream route of the contract. WebSockets are in upgrade.ts. */
export function mountRoutes(app: Express, options: RouterOptions): void {
  const json = express.json({ limit: JSON_LIMIT_BYTES, strict: false });
  const bytes = express.raw({ limit: RAW_LIMIT_BYTES, type: () => true });
  for (const [name, route] of inMatchingOrder(routes)) {
    const handler = (options.handlers as unknown as Record<string, AnyHandler>)[name];
    if (!handler || (route.stream && route.stream !== "sse")) continue;
    const method = route.method.toLowerCase() as "get" | "post" | "put" | "patch" | "delete";
    const parse = route.body && isRaw(route.body) ? bytes : json;
    app[method](route.path, (request, response, next) => {
      // An event stream may share its path with a plain route.
      if (route.stream === "sse" && sharesPath(name) && !acceptsEvents(request)) return next();
      parse(request, response, (error?: unknown) => {
        const work = error
          ? Promise.reject(bodyError(error))
          : answer(route, handler, request, response, options);
        work.catch((failure) => sendError(failure, request, response, options.logger));
      });
    });
  }
}

/** Literal segments before parameters, so that `/users/first` is not taken for `/users/:user`. */
export function inMatchingOrder(table: Record<string, RouteSpec>): [string, RouteSpec][] {
  const key = (path: string) => path.replace(/:\w+/g, "~");
  return Object.entries(table).sort(([, a], [, b]) => (key(a.path) < key(b.path) ? -1 : 1));
}

function sharesPath(name: string): boolean {
  const table: Record<string, RouteSpec> = routes;
  const { path } = table[name]!;
  return Object.entries(table).some(
    ([other, route]) => other !== name && route.path === path && !route.stream,
  );
}

async function answer(
  route: RouteSpec,
  handler: AnyHandler,
  request: Request,
  response: Response,
  options: RouterOptions,
): Promise<void> {
  const url = new URL(request.originalUrl, "http://coderd");
  const actor = await options.actorOf(request, url, route);
  await options.limit(request, actor, route);
  const result = await handler(toHandlerRequest(route, request, url, actor, response));
  if (route.stream === "sse") return writeEvents(response, result as AsyncIterable<unknown>);
  const reply = result instanceof Reply ? result : new Reply(result);
  for (const [header, value] of Object.entries(reply.headers)) response.setHeader(header, value);
  response.status(reply.status ?? route.status ?? 200);
  if (reply.body === undefined) response.end();
  else if (reply.body instanceof Uint8Array) response.end(reply.body);
  else if (typeof reply.body === "string") response.type("text/plain").end(reply.body);
  else response.json(reply.body);
}

function toHandlerRequest(
  route: RouteSpec,
  request: Request,
  url: URL,
  actor: Actor,
  response: Response,
): HandlerRequest<RouteSpec> {
  const controller = new AbortController();
  response.once("close", () => controller.abort());
  const body = parseBody(route, request.body);
  return {
    params: request.params as Record<string, string>,
    query: parseQuery(route, url.searchParams),
    body: body as never,
    idempotency: idempotencyOf(route, { headers: request.headers, pathname: url.pathname, body }, actor),
    raw: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    actor,
    signal: controller.signal,
    ...requestFacts(request),
  };
}

/** What every request has, a WebSocket's included. */
export function requestFacts(request: IncomingMessage) {
  return {
    contentType: (request.headers["content-type"] ?? "").split(";")[0]!.trim(),
    requestId: requestIdOf(request),
    ip: clientIp(request),
    userAgent: request.headers["user-agent"] ?? "",
    headers: request.headers,
  };
}

const ids = new WeakMap<IncomingMessage, string>();

/** The id of the request in logs, answers and the audit log. It is always made here: a client's would let it pose as another request. */
export function requestIdOf(request: IncomingMessage): string {
  const id = ids.get(request) ?? randomUUID();
  ids.set(request, id);
  return id;
}

/** coderd is reached through the proxy only, which sets X-Forwarded-For itself: its last entry is the client. */
function clientIp(request: IncomingMessage): string {
  const forwarded = request.headers["x-forwarded-for"];
  const last = typeof forwarded === "string" ? forwarded.split(",").at(-1)?.trim() : undefined;
  return last || request.socket.remoteAddress || "";
}

function acceptsEvents(request: IncomingMessage): boolean {
  return (request.headers.accept ?? "").includes("text/event-stream");
}

function bodyError(error: unknown): FleetError {
  const { type } = error as { type?: string };
  if (type === "entity.too.large") {
    return new FleetError(
      "too_large",
      `The body is larger than ${RAW_LIMIT_BYTES / 1024 / 1024} MiB. Send less.`,
    );
  }
  return new FleetError("invalid_argument", "The body is not valid JSON.", { cause: error });
}

export function sendError(error: unknown, request: Request, response: Response, logger: Logger): void {
  const { status, headers, body } = errorResponse(error, requestIdOf(request), logger);
  if (response.headersSent) response.destroy();
  else response.status(status).set(headers).json(body);
}
