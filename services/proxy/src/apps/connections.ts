import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { FleetError } from "@fleet/base";
import { type Dispatcher, Pool } from "undici";
import { LIMITS } from "../limits.js";
import type { AgentDialer } from "../tunnel/dial.js";

/** Where an app is: behind which agent, and at which address as the agent sees it. */
export type AppEndpoint = { agentId: string; hostname: string; port: number; secure: boolean };

/** The endpoint of an app's URL. Throws `invalid_argument` for one that is not http or https. */
export function endpointOf(agentId: string, url: URL): AppEndpoint {
  const secure = url.protocol === "https:";
  if (!secure && url.protocol !== "http:") {
    throw new FleetError(
      "invalid_argument",
      `The app's URL begins with ${url.protocol}, which no proxy can open.`,
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
 * Connections to apps: each is a stream through the agent's tunnel, with TLS inside where the app speaks it. An app on
 * its own machine is believed without a certificate that anybody signed.
 */
export type AppConnections = {
  /** Sends requests to the app over connections that are kept and used again. Take it anew for each request. */
  dispatcher(endpoint: AppEndpoint): Pick<Dispatcher, "dispatch">;
  /** Opens a connection for one use. */
  dial(endpoint: AppEndpoint): Promise<Duplex>;
  close(): void;
};

export function createAppConnections(dialer: Pick<AgentDialer, "openNow">): AppConnections {
  const pools = new Map<string, Pool>();

  async function dial(endpoint: AppEndpoint): Promise<Duplex> {
    const stream = await dialer.openNow(endpoint.agentId, { kind: "tcp", target: targetOf(endpoint) });
    return endpoint.secure ? secured(stream, endpoint) : asConnection(stream);
  }

  function createPool(key: string, endpoint: AppEndpoint): Pool {
    const pool = new Pool(`http://${endpoint.secure ? "secure" : "plain"}.app`, {
      connections: LIMITS.connectionsPerApp,
      keepAliveTimeout: LIMITS.idleConnectionMs,
      keepAliveMaxTimeout: LIMITS.idleConnectionMs,
      maxHeaderSize: LIMITS.appHeaderBytes,
      // An app may think, and a stream of events may be silent, for as long as the client waits.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_options, callback) =>
        void dial(endpoint).then(
          (connection) => callback(null, connection as Socket),
          (error: Error) => callback(error, null),
        ),
    });
    const forgetWhenUnused = () =>
      void setImmediate(() => {
        const { connected, size } = pool.stats;
        if (connected > 0 || size > 0 || pools.get(key) !== pool) return;
        pools.delete(key);
        void pool.close();
      });
    pool.on("disconnect", forgetWhenUnused);
    pool.on("connectionError", forgetWhenUnused);
    return pool;
  }

  return {
    dispatcher(endpoint) {
      const key = `${endpoint.agentId} ${endpoint.secure} ${targetOf(endpoint)}`;
      let pool = pools.get(key);
      if (!pool) {
        pool = createPool(key, endpoint);
        pools.set(key, pool);
      }
      return pool;
    },
    dial,
    close() {
      for (const pool of pools.values()) void pool.destroy();
      pools.clear();
    },
  };
}

function targetOf({ hostname, port }: AppEndpoint): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Adds what HTTP clients call on their connections; a stream of a tunnel has no such settings. */
function asConnection(stream: Duplex): Duplex {
  // A server that ended its side answers no further request: the stream must leave the pool.
  stream.once("end", () => stream.destroy());
  const same = () => stream;
  return Object.assign(stream, {
    ref: same,
    unref: same,
    setKeepAlive: same,
    setNoDelay: same,
    setTimeout: same,
  });
}

function secured(stream: Duplex, { hostname }: AppEndpoint): Duplex {
  const local = isLoopback(hostname);
  const socket = connectTls({
    socket: stream,
    servername: local ? "localhost" : hostname,
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
