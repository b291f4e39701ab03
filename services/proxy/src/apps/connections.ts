import { Agent, type ClientRequest, type ClientRequestArgs } from "node:http";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { Clock, Timer } from "@fleet/base";
import { LIMITS } from "../limits.js";
import type { AgentDialer } from "../tunnel/dial.js";

/** Where an app is: behind which agent, and at which address as the agent sees it. */
export type AppEndpoint = { agentId: string; hostname: string; port: number; secure: boolean };

/** Request options by which `AppConnections` finds its pool. */
export type AppRequestOptions = ClientRequestArgs & { endpoint: AppEndpoint };

/** The endpoint of an app's URL; undefined for one that is not http or https. */
export function endpointOf(agentId: string, url: URL): AppEndpoint | undefined {
  const secure = url.protocol === "https:";
  if (!secure && url.protocol !== "http:") return undefined;
  return {
    agentId,
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    secure,
  };
}

/**
 * Kept-alive connections to apps: each is a stream through the agent's tunnel, with TLS inside where the app speaks it.
 * An app on its own machine is believed without a certificate that anybody signed.
 */
export class AppConnections extends Agent {
  readonly #dialer: AgentDialer;
  readonly #clock: Clock;
  readonly #idle = new WeakMap<Duplex, Timer>();

  constructor(dialer: AgentDialer, clock: Clock) {
    super({
      keepAlive: true,
      maxSockets: LIMITS.connectionsPerApp,
      maxFreeSockets: LIMITS.idleConnectionsPerApp,
      scheduling: "lifo",
    });
    this.#dialer = dialer;
    this.#clock = clock;
  }

  override getName(options?: ClientRequestArgs): string {
    const { agentId, secure, hostname, port } = (options as AppRequestOptions).endpoint;
    return `${agentId} ${secure ? "https" : "http"} ${hostname} ${port}`;
  }

  override createConnection(
    options: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const { endpoint } = options as AppRequestOptions;
    const fail = (error: unknown) => callback?.(error as Error, undefined as unknown as Duplex);
    let dialed: Duplex | Promise<Duplex>;
    try {
      dialed = this.#dialer.openNow(endpoint.agentId, { kind: "tcp", target: targetOf(endpoint) });
    } catch (error) {
      // The Agent takes an error by its callback only; what a createConnection throws is not caught everywhere.
      fail(error);
      return undefined;
    }
    if (!(dialed instanceof Promise)) return connectionOver(dialed, endpoint);
    dialed.then((stream) => callback?.(null, connectionOver(stream, endpoint)), fail);
    return undefined;
  }

  override keepSocketAlive(socket: Duplex): boolean {
    if (socket.destroyed || socket.readableEnded || !socket.writable) return false;
    this.#idle.set(
      socket,
      this.#clock.after(LIMITS.idleConnectionMs, () => socket.destroy()),
    );
    return true;
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    this.#idle.get(socket)?.cancel();
    this.#idle.delete(socket);
    super.reuseSocket(socket, request);
  }
}

function targetOf({ hostname, port }: AppEndpoint): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

function connectionOver(stream: Duplex, endpoint: AppEndpoint): Duplex {
  if (!endpoint.secure) {
    // What node:http calls on its connections; a stream of a tunnel has no such settings.
    const same = () => stream;
    Object.assign(stream, { ref: same, unref: same, setKeepAlive: same, setNoDelay: same, setTimeout: same });
    // A server that ended its side answers no further request: the stream must leave the pool.
    stream.once("end", () => stream.destroy());
    return stream;
  }
  const local = isLoopback(endpoint.hostname);
  const socket = connectTls({
    socket: stream,
    servername: local ? "localhost" : endpoint.hostname,
    rejectUnauthorized: !local,
    ALPNProtocols: ["http/1.1"],
  });
  socket.once("close", () => stream.destroy());
  return socket;
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "::1" ||
    /^127(\.\d+){3}$/.test(hostname)
  );
}
