import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type Relay = AsyncDisposable & {
  readonly port: number;
  /** Connections that neither side has closed. */
  readonly open: number;
  /** Target of connections made from now on. */
  target: { port: number; host?: string };
  /**
   * Swallows every byte, in both directions, and keeps all connections open: a network that silently drops
   * packets. New connections get the same.
   */
  swallow(): void;
  /** Serves new connections; swallowed ones stay so, as they would behind a NAT. */
  restore(): void;
  /** Breaks all connections and refuses new ones, like a server that restarts. */
  refuse(): Promise<void>;
  /** Accepts connections again, after `refuse`. */
  accept(): Promise<void>;
};

/** A TCP relay on 127.0.0.1 that a test puts between two ends, to drop their traffic. */
export async function startRelay(target: Relay["target"]): Promise<Relay> {
  const connections = new Set<{ client: Socket; upstream: Socket; lost: boolean }>();
  let losing = false;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ host: "127.0.0.1", ...relay.target, allowHalfOpen: true, noDelay: true });
    const connection = { client, upstream, lost: losing };
    connections.add(connection);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on("data", (chunk) => {
        if (!connection.lost && !to.write(chunk)) from.pause();
      });
      to.on("drain", () => from.resume());
      from.on("end", () => (connection.lost ? from.destroy() : to.end()));
      from.on("error", () => {});
      from.on("close", () => {
        if (!connection.lost) to.destroy();
        if (client.closed && upstream.closed) connections.delete(connection);
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const relay: Relay = {
    port: (server.address() as AddressInfo).port,
    get open() {
      return connections.size;
    },
    target,
    swallow() {
      losing = true;
      for (const connection of connections) {
        connection.lost = true;
        connection.client.resume();
        connection.upstream.resume();
      }
    },
    restore() {
      losing = false;
    },
    async refuse() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const { client, upstream } of connections) {
        client.destroy();
        upstream.destroy();
      }
      await closed;
    },
    async accept() {
      server.listen(relay.port, "127.0.0.1");
      await once(server, "listening");
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) await relay.refuse();
    },
  };
  return relay;
}
