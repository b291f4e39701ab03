import { Agent, type AgentOptions, type ClientRequestArgs } from "node:http";
import type { Duplex } from "node:stream";
import type { StreamHeader } from "./header.js";
import type { Tunnel } from "./tunnel.js";

/** Methods of a net.Socket that node:http calls on its connections; a stream of a tunnel has no such settings. */
type SocketSettings = {
  setKeepAlive(): unknown;
  setNoDelay(): unknown;
  setTimeout(): unknown;
  ref(): unknown;
  unref(): unknown;
};

export type TunnelAgentOptions = Pick<AgentOptions, "maxSockets" | "maxFreeSockets" | "maxTotalSockets">;

/**
 * A node:http Agent whose connections are streams of the tunnel to the target, kept alive and pooled. Close it with
 * `destroy()`. A request on a closed tunnel, or one that the peer refuses, gets the FleetError as its `error` event.
 */
export function createTunnelAgent(
  tunnel: Pick<Tunnel, "openNow">,
  target: StreamHeader,
  options: TunnelAgentOptions = {},
): Agent {
  return new TunnelAgent(tunnel, target, options);
}

class TunnelAgent extends Agent {
  readonly #tunnel: Pick<Tunnel, "openNow">;
  readonly #target: StreamHeader;

  constructor(tunnel: Pick<Tunnel, "openNow">, target: StreamHeader, options: TunnelAgentOptions) {
    super({ maxFreeSockets: 32, ...options, keepAlive: true });
    this.#tunnel = tunnel;
    this.#target = target;
  }

  /** One pool, whatever host a request names: the tunnel's target is the only peer there is. */
  override getName(): string {
    return "";
  }

  override createConnection(
    _options: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    let stream: Duplex;
    try {
      stream = asConnection(this.#tunnel.openNow(this.#target));
    } catch (error) {
      // The Agent takes an error by its callback only; the second argument is not looked at.
      callback?.(error as Error, undefined as unknown as Duplex);
      return undefined;
    }
    // A server that ended its side answers no further request: the stream must leave the pool.
    stream.on("end", () => stream.destroy());
    return stream;
  }
}

function asConnection(stream: Duplex): Duplex & SocketSettings {
  const same = () => stream;
  return Object.assign(stream, {
    setKeepAlive: same,
    setNoDelay: same,
    setTimeout: same,
    ref: same,
    unref: same,
  });
}
