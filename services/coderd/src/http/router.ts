import type { IncomingMessage } from "node:http";
import { isFleetError, type Logger } from "@fleet/base";
import {
  bodyLimit,
  createRouteMatcher,
  isRaw,
  type NamedRoute,
  parseBody,
  parseParams,
  parseQuery,
  type RouteSpec,
  routes,
  upgrades,
} from "@fleet/sdk";
import type { Request, RequestHandler, Response } from "express";
import type { Actor } from "../auth/actor.js";
import { sendError, sendReply } from "./answer.js";
import { parseJson, readBody } from "./body.js";
import { requestFacts } from "./facts.js";
import { reportFailuresAs } from "./failure.js";
import type { AnyHandler, Handlers } from "./handler.js";
import { idempotencyOf } from "./idempotency.js";
import { HttpRefusal, methodNotAllowed } from "./refusal.js";
import { writeEvents } from "./sse.js";
import type { StreamOpener } from "./streams.js";
import { type Target, targetOf } from "./target.js";

/** How long the reader of an ended stream may take to read the rest. */
const CUT_OFF_MS = 1_000;

export type RouterOptions = {
  handlers: Handlers;
  /** The actor required by the route's access; throws if the request has none. */
  actorOf(request: IncomingMessage, target: Target, route: RouteSpec): Promise<Actor>;
  /** Counts the request; throws `resource_exhausted` beyond the limit. */
  limit(request: IncomingMessage, actor: Actor, route: RouteSpec): Promise<void>;
  /** Opens event streams and WebSockets, which end when their authorization does. */
  open: StreamOpener;
  /** The time to record before a stream's actor is authenticated. */
  now(): number;
  logger: Logger;
};

const ANONYMOUS: Actor = { kind: "anonymous" };
const NO_BODY = Buffer.alloc(0);
const NOTHING: AsyncIterable<never> = (async function* () {})();

/** The contract's routes by path, for both HTTP requests and upgrades. */
export const matcher = createRouteMatcher(routes);

/**
 * Serves all plain and event-stream routes of the contract; WebSockets are in upgrade.ts. Other requests pass through.
 */
export function serveRoutes(options: RouterOptions): RequestHandler {
  async function serve(request: Request, response: Response): Promise<boolean> {
    const target = targetOf(request);
    const match = matcher.match(request.method, target.pathname);
    if (match.kind === "none") return false;
    if (match.kind === "method") {
      if (request.method !== "OPTIONS") throw methodNotAllowed(request.method, match.allow);
      allowOrigins(target.pathname, request, response);
      response.status(204).setHeader("Allow", match.allow.join(", ")).end();
      return true;
    }
    const { name, route } = chosen(match.routes, request);
    reportFailuresAs(request, route.failure);
    if (route.anyOrigin) response.setHeader("Access-Control-Allow-Origin", "*");
    const handler = handlerOf(options.handlers, name);
    if (upgrades(route) || !handler) {
      throw new HttpRefusal(426, "This endpoint only accepts Upgrade requests.", {
        Upgrade: route.protocol ?? "websocket",
        Connection: "Upgrade",
      });
    }
    await answer(route, handler, match.params, request, response, options);
    return true;
  }

  return (request, response, next) => {
    serve(request, response).then(
      (served) => {
        if (!served) next();
      },
      (failure) => sendError(failure, request, response, options.logger),
    );
  };
}

export function handlerOf(handlers: Handlers, name: string): AnyHandler | undefined {
  return (handlers as unknown as Record<string, AnyHandler | undefined>)[name];
}

/** Answers a browser that asks before it sends a page's request to a route of any origin. */
function allowOrigins(pathname: string, request: IncomingMessage, response: Response): void {
  const method = request.headers["access-control-request-method"];
  if (method === undefined) return;
  const match = matcher.match(method, pathname);
  if (match.kind !== "found" || !match.routes.every(({ route }) => route.anyOrigin)) return;
  response.setHeader("Access-Control-Allow-Origin", "*");
  response.setHeader("Access-Control-Allow-Methods", method);
  response.setHeader("Access-Control-Allow-Headers", "Authorization, Content-Type, MCP-Protocol-Version");
}

/** An event stream may share its path with a plain route: it is chosen for requests that accept events. */
function chosen(found: readonly NamedRoute[], request: IncomingMessage): NamedRoute {
  const events = found.find(({ route }) => route.stream === "sse");
  const plain = found.find(({ route }) => route.stream === undefined);
  if (events && (!plain || acceptsEvents(request))) return events;
  return plain ?? found[0]!;
}

function acceptsEvents(request: IncomingMessage): boolean {
  return (request.headers.accept ?? "").includes("text/event-stream");
}

/**
 * Authenticates the request as the route requires. The request is rate limited before anything of it is read; attempts
 * with an invalid token count against the address.
 */
export async function admit(
  route: RouteSpec,
  request: IncomingMessage,
  target: Target,
  options: Pick<RouterOptions, "actorOf" | "limit">,
): Promise<Actor> {
  let actor: Actor;
  try {
    actor = await options.actorOf(request, target, route);
  } catch (error) {
    if (isFleetError(error, "unauthenticated")) await options.limit(request, ANONYMOUS, route);
    throw error;
  }
  await options.limit(request, actor, route);
  return actor;
}

async function answer(
  route: RouteSpec,
  handler: AnyHandler,
  params: Record<string, string>,
  request: Request,
  response: Response,
  options: RouterOptions,
): Promise<void> {
  const target = targetOf(request);
  const decidedAtMs = options.now();
  const actor = await admit(route, request, target, options);
  const checked = { params: parseParams(route, params), query: parseQuery(route, target.searchParams) };
  const bytes = route.body ? await readBody(request, { limit: bodyLimit(route) }) : NO_BODY;
  const isBytes = route.body !== undefined && isRaw(route.body);
  const body = isBytes ? undefined : parseBody(route, parseJson(bytes));
  const controller = new AbortController();
  response.once("close", () => controller.abort());
  const asked = {
    ...checked,
    body: body as never,
    idempotency: idempotencyOf(route, { headers: request.headers, pathname: target.pathname, body }, actor),
    raw: isBytes ? bytes : NO_BODY,
    received: NOTHING,
    actor,
    signal: controller.signal,
    ...requestFacts(request),
  };
  if (route.stream !== "sse") return sendReply(route, await handler(asked), request, response);
  const { messages, release } = await options.open(handler, asked, decidedAtMs, () => cutOff(response));
  response.once("close", release);
  if (response.destroyed) release();
  return writeEvents(response, messages);
}

/** Ends the response after what is already buffered, and closes the connection if nobody reads that. */
function cutOff(response: Response): void {
  response.end();
  setTimeout(() => response.destroy(), CUT_OFF_MS).unref();
}
