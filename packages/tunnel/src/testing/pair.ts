import type { Duplex } from "node:stream";
import { createTunnel, type PendingStream, type Tunnel, type TunnelOptions } from "../index.js";
import { createLink } from "./link.js";

export const HEADER = { kind: "tcp", target: "127.0.0.1:8080" };

export type TunnelPair = Disposable & { client: Tunnel; server: Tunnel; left: Duplex; right: Duplex };

/** Two tunnels that talk to each other over a link in memory. */
export function createTunnelPair(
  client: Partial<TunnelOptions> = {},
  server: Partial<TunnelOptions> = {},
  [left, right] = createLink(),
): TunnelPair {
  const pair = {
    client: createTunnel(left, { role: "client", ...client }),
    server: createTunnel(right, { role: "server", ...server }),
    left,
    right,
    [Symbol.dispose]() {
      pair.client.close();
      pair.server.close();
      left.destroy();
      right.destroy();
    },
  };
  return pair;
}

/** Accepts each stream and sends back what comes. */
export function echo(pending: PendingStream): void {
  const stream = pending.accept();
  stream.pipe(stream);
}
