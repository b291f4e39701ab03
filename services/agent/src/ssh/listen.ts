import { once } from "node:events";
import { type AddressInfo, createServer, type ListenOptions, type Socket } from "node:net";

/** Something that listens for a client; `port` is 0 for a socket with a path. */
export type Listener = { port: number; close(): void };

/** Listens, and hands on what connects. Rejects as `listen` does: with EADDRINUSE, EACCES and so on. */
export async function listen(on: ListenOptions, onSocket: (socket: Socket) => void): Promise<Listener> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  });
  server.listen(on);
  await once(server, "listening");
  server.on("error", () => {});
  const address = server.address() as AddressInfo | string;
  return { port: typeof address === "string" ? 0 : address.port, close: () => void server.close() };
}

/**
 * Listens on 127.0.0.1 and, where the machine has it, on ::1 with the same port: either is what `localhost` may mean to
 * a program. A port of 0 is any free one. Rejects when 127.0.0.1 cannot be had.
 */
export async function listenLoopback(port: number, onSocket: (socket: Socket) => void): Promise<Listener> {
  const first = await listen({ host: "127.0.0.1", port }, onSocket);
  const second = await listen({ host: "::1", port: first.port }, onSocket).catch(() => undefined);
  return {
    port: first.port,
    close() {
      first.close();
      second?.close();
    },
  };
}
