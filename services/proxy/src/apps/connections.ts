import { Agent, type ClientRequest, request as httpRequest, type RequestOptions } from "node:http";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { FleetError } from "@fleet/base";
import type { RawHeaders } from "../http/headers.js";
import { LIMITS } from "../limits.js";
import type { AgentDialer } from "../tunnel/dial.js";

/** Where an app listens: its agent, and the address as the agent sees it. */
export type AppEndpoint = { agentId: string; hostname: string; port: number; secure: boolean };

/** The endpoint of an app's URL. Throws `invalid_argument` for one that is not http or https. */
export function endpointOf(agentId: string, url: URL): AppEndpoint {
  const secure = url.protocol === "https:";
  if (!secure && url.protocol !== "http:") {
    throw new FleetError(
      "invalid_argument",
      `The app's URL begins with ${url.protocol}, but only http: and https: are supported.`,
    );
  }
  return {
    agentId,
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    secure,
  };
}

/**
 * Connections to apps: each is a stream through the agent's tunnel, with TLS inside if the app expects it. The app's
 * certificate is not verified, because the app runs in the workspace itself.
 */
export type AppConnections = {
  /** Starts a request over a pooled connection. */
  request(endpoint: AppEndpoint, head: RequestHead): ClientRequest;
  /** Starts a request over a dedicated connection, which it may upgrade to another protocol. */
  requestAlone(endpoint: AppEndpoint, head: RequestHead): ClientRequest;
  /** Opens a connection for one use. If the app expects TLS, this protocol is negotiated. */
  dial(endpoint: AppEndpoint, protocol?: AppProtocol): Promise<Duplex>;
  close(): void;
};

/** ALPN protocol names. */
export type AppProtocol = "http/1.1" | "h2";

/** The request to send; headers are sent unchanged. */
export type RequestHead = { method: string; path: string; headers: RawHeaders };

export function createAppConnections(dialer: Pick<AgentDialer, "openNow">): AppConnections {
  async function dial(endpoint: AppEndpoint, protocol: AppProtocol = "http/1.1"): Promise<Duplex> {
    const stream = await dialer.openNow(endpoint.agentId, { kind: "tcp", target: targetOf(endpoint) });
    return endpoint.secure ? secured(stream, endpoint, protocol) : asConnection(stream);
  }

  const kept = new AppAgent(dial);
  const common = { maxHeaderSize: LIMITS.appHeaderBytes, setHost: false };

  return {
    request(endpoint, head) {
      const options: AppRequestOptions = { ...common, ...head, agent: kept, endpoint };
      return unlimited(httpRequest(options));
    },
    requestAlone(endpoint, head) {
      return unlimited(
        httpRequest({
          ...common,
          ...head,
          createConnection(_options, callback) {
            dial(endpoint).then(
              (connection) => callback(null, connection),
              (error: Error) => callback(error, undefined as unknown as Duplex),
            );
            return undefined;
          },
        }),
      );
    },
    dial,
    close: () => kept.destroy(),
  };
}

/** The size of the header section is limited instead; node:http silently drops headers beyond a count. */
function unlimited(request: ClientRequest): ClientRequest {
  request.maxHeadersCount = 0;
  return request;
}

type AppRequestOptions = RequestOptions & { endpoint: AppEndpoint };

/** Pools connections per endpoint and closes idle ones. */
class AppAgent extends Agent {
  readonly #dial: (endpoint: AppEndpoint) => Promise<Duplex>;
  readonly #idle = new WeakMap<Duplex, NodeJS.Timeout>();

  constructor(dial: (endpoint: AppEndpoint) => Promise<Duplex>) {
    super({
      keepAlive: true,
      maxSockets: LIMITS.connectionsPerApp,
      maxFreeSockets: LIMITS.connectionsPerApp,
    });
    this.#dial = dial;
  }

  override getName(options?: RequestOptions): string {
    const { endpoint } = options as AppRequestOptions;
    return `${endpoint.agentId} ${endpoint.secure} ${targetOf(endpoint)}`;
  }

  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    this.#dial((options as AppRequestOptions).endpoint).then(
      (connection) => {
        // A server that closed its side cannot answer another request, so the stream leaves the pool.
        connection.once("end", () => connection.destroy());
        connection.once("close", () => clearTimeout(this.#idle.get(connection)));
        callback?.(null, connection);
      },
      (error: Error) => callback?.(error, undefined as unknown as Duplex),
    );
    return undefined;
  }

  override keepSocketAlive(connection: Duplex): boolean {
    this.#idle.set(
      connection,
      setTimeout(() => connection.destroy(), LIMITS.idleConnectionMs),
    );
    return true;
  }

  override reuseSocket(connection: Duplex, request: ClientRequest): void {
    clearTimeout(this.#idle.get(connection));
    super.reuseSocket(connection, request);
  }
}

function targetOf({ hostname, port }: AppEndpoint): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Adds the socket methods that HTTP clients call; they have no effect on a tunnel's stream. */
function asConnection(stream: Duplex): Duplex {
  const same = () => stream;
  return Object.assign(stream, {
    ref: same,
    unref: same,
    setKeepAlive: same,
    setNoDelay: same,
    setTimeout: same,
  });
}

function secured(stream: Duplex, { hostname }: AppEndpoint, protocol: AppProtocol): Duplex {
  const local = isLoopback(hostname);
  const socket = connectTls({
    socket: stream,
    servername: local ? "localhost" : hostname,
    rejectUnauthorized: !local,
    ALPNProtocols: [protocol],
  });
  socket.once("close", () => stream.destroy());
  // Without a listener, an error between two requests would crash the process.
  socket.on("error", () => {});
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
