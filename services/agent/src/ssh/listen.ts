import { once } from "node:events";
import { type AddressInfo, createServer, type ListenOptions, type Socket } from "node:net";

/** A listener for a client; `port` is 0 for a Unix socket. */
export type Listener = { port: number; close(): void };

/** Listens and passes on connections. Rejects like `listen`, for example with EADDRINUSE or EACCES. */
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
 * Listens on 127.0.0.1 and, if available, on ::1 with the same port, because programs resolve `localhost` to either.
 * Port 0 picks a free port. Rejects if it cannot listen on 127.0.0.1.
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
