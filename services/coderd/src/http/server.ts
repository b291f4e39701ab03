import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { FleetError, isFleetError, type Logger, SESSION_HEADER, VERSION } from "@fleet/base";
import type { RouteSpec } from "@fleet/sdk";
import express from "express";
import type { Actor } from "../auth/actor.js";
import { requireUser } from "../auth/authorizer.js";
import { RESOURCE_METADATA, sendError } from "./answer.js";
import type { Authenticator } from "./authenticator.js";
import { requestIdOf } from "./facts.js";
import type { Handlers } from "./handler.js";
import { serveRoutes } from "./router.js";
import { type Target, targetOf } from "./target.js";
import { serveUpgrades, type UpgradeOptions } from "./upgrade.js";

export type HttpServerOptions = {
  handlers: Handlers;
  authenticator: Authenticator;
  open: UpgradeOptions["open"];
  now: UpgradeOptions["now"];
  /** The agent with this token. Throws `unauthenticated` if the token is invalid. */
  authenticateAgent(token: string): Promise<Actor>;
  /** Throws `not_found` if SCIM is not configured, `unauthenticated` if the token is invalid. */
  authenticateScim(authorization: string | undefined): Actor;
  acceptAgentRpc: UpgradeOptions["acceptAgentRpc"];
  authenticateDaemon: UpgradeOptions["authenticateDaemon"];
  acceptDaemonRpc: UpgradeOptions["acceptDaemonRpc"];
  limit: UpgradeOptions["limit"];
  /** URL of the API's metadata as a protected resource (RFC 9728), if it is an OAuth2 provider. */
  resourceMetadata: string | undefined;
  /** max-age of the Strict-Transport-Security header, in seconds; 0 to omit it. */
  strictTransportSecurity: number;
  logger: Logger;
  /** Runs before the routes: metrics and tracing. */
  observe?: express.RequestHandler;
  observeSocket?: UpgradeOptions["observeSocket"];
  /** Serves everything outside the API: the dashboard and the executables. */
  mountStatic?(app: express.Express): void;
};

export type HttpServer = {
  readonly server: Server;
  /** Keeps serving, but closes each connection after its next response. */
  drain(): void;
  /**
   * Stops accepting requests, tells open streams to reconnect elsewhere, gives running requests a moment, then closes
   * the rest.
   */
  close(): Promise<void>;
};

/** Grace period for running requests at shutdown, such as an upload or a build request that waits for a lock. */
const CLOSE_GRACE_MS = 15_000;

/** The REST API, its streams and the dashboard. Reached only through the proxy. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { authenticator, logger } = options;
  const app = express();
  app.disable("x-powered-by");
  app.set("query parser", false);
  app.set(RESOURCE_METADATA, options.resourceMetadata);
  let draining = false;
  const open = new Set<ServerResponse>();
  app.use((request, response, next) => {
    if (draining) response.shouldKeepAlive = false;
    open.add(response);
    response.once("close", () => open.delete(response));
    response.setHeader("X-Coder-Build-Version", VERSION);
    response.setHeader("X-Coder-Request-Id", requestIdOf(request));
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Referrer-Policy", "no-referrer");
    if (options.strictTransportSecurity > 0)
      response.setHeader("Strict-Transport-Security", `max-age=${options.strictTransportSecurity}`);
    next();
  });
  if (options.observe) app.use(options.observe);

  async function actorOf(request: IncomingMessage, target: Target, route: RouteSpec): Promise<Actor> {
    if (route.access === "public") {
      // A public route returns more to callers with a valid session; an expired session counts as none.
      return authenticator.authenticate(request, target).catch((error: unknown) => {
        if (isFleetError(error, "unauthenticated", "permission_denied"))
          return { kind: "anonymous" } as const;
        throw error;
      });
    }
    if (route.access === "scim") return options.authenticateScim(request.headers.authorization);
    if (route.access === "agent") {
      // Browsers send cookies unprompted, and URLs are logged, so agents send their token in a header.
      const token = request.headers[SESSION_HEADER];
      if (typeof token !== "string" || token === "") {
        throw new FleetError(
          "unauthenticated",
          "This route requires a workspace agent's token in the Coder-Session-Token header.",
        );
      }
      return options.authenticateAgent(token);
    }
    const actor = await authenticator.authenticate(request, target);
    requireUser(actor);
    return actor;
  }

  const { handlers, limit, open: openStream, now } = options;
  const routing = { handlers, actorOf, limit, open: openStream, now, logger };
  app.use(serveRoutes(routing));
  options.mountStatic?.(app);
  app.use((request, response) =>
    sendError(noSuchPath(targetOf(request).pathname), request, response, logger),
  );
  app.use(((error, request, response, _next) =>
    sendError(error, request, response, logger)) as express.ErrorRequestHandler);

  const server = createServer({ keepAliveTimeout: 75_000, headersTimeout: 80_000, requestTimeout: 0 }, app);
  const closeStreams = serveUpgrades(server, {
    ...routing,
    acceptAgentRpc: options.acceptAgentRpc,
    authenticateDaemon: options.authenticateDaemon,
    acceptDaemonRpc: options.acceptDaemonRpc,
    observeSocket: options.observeSocket,
  });
  /** Connections of HTTP requests; upgraded ones are closed separately. */
  const sockets = new Set<Duplex>();
  let onNone = () => {};
  const remove = (socket: Duplex) => {
    if (sockets.delete(socket) && sockets.size === 0) onNone();
  };
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => remove(socket));
  });
  server.on("upgrade", (_request, socket) => remove(socket));
  return {
    server,
    drain() {
      draining = true;
    },
    async close() {
      draining = true;
      const none = new Promise<void>((resolve) => {
        onNone = resolve;
        if (sockets.size === 0) resolve();
      });
      server.close();
      closeStreams();
      for (const response of open) if (isEventStream(response)) response.end();
      const force = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, CLOSE_GRACE_MS);
      await none;
      clearTimeout(force);
    },
  };
}

function noSuchPath(path: string): FleetError {
  return new FleetError("not_found", path.startsWith("/api/") ? "Route not found." : "Page not found.");
}

function isEventStream(response: ServerResponse): boolean {
  return String(response.getHeader("content-type")).startsWith("text/event-stream");
}
