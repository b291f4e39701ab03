import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type Relay = AsyncDisposable & {
  readonly port: number;
  /** Connections that one side or the other has not closed. */
  readonly open: number;
  /** Where connections that come from here on lead. */
  target: { port: number; host?: string };
  /**
   * Takes every byte and hands none on, in both directions, and keeps all connections open: a network that has lost
   * its way without a word. Connections that come meanwhile get the same.
   */
  swallow(): void;
  /** Connections that come from here on are served; those that were swallowed stay so, as they would behind a NAT. */
  restore(): void;
  /** Breaks all connections and refuses further ones, as a server that restarts does. */
  refuse(): Promise<void>;
  /** Takes connections again, after `refuse`. */
  accept(): Promise<void>;
};

/** A TCP relay on 127.0.0.1 that a test puts between two ends, to lose what they say. */
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
