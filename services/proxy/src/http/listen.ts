import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { errorMessage, FleetError, type Logger, surviveRefusedConnections } from "@fleet/base";

export type Listening = {
  /** `host:port`, the port as bound. */
  readonly address: string;
  /** Takes no further connection, and closes those on which nothing happens. */
  stop(): void;
  /** Cuts every connection, switched ones too. */
  close(): Promise<void>;
};

type HttpServer = Pick<Server, "address" | "close" | "closeIdleConnections" | "listen" | "on">;

/**
 * Listens on `host:port` (port 0 takes a free one, an empty host all addresses). Rejects with a sentence that names the
 * setting.
 */
export async function listen(
  server: HttpServer,
  address: string,
  setting: string,
  logger: Logger,
): Promise<Listening> {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw new FleetError(
      "invalid_argument",
      `${setting} is "${address}", which is no address. Write it like 127.0.0.1:3000.`,
    );
  }
  const host = match[1] ?? match[2] ?? "";
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(port, host === "" ? undefined : host);
  try {
    await once(server as Server, "listening");
  } catch (error) {
    throw new FleetError("unavailable", sentenceOf(error, address, setting), { cause: error });
  }
  surviveRefusedConnections(server, logger);
  const bound = (server.address() as AddressInfo).port;
  return {
    address: `${host.includes(":") ? `[${host}]` : host}:${bound}`,
    stop() {
      server.close();
      server.closeIdleConnections();
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function sentenceOf(error: unknown, address: string, setting: string): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE") {
    return `Another program listens on ${address} already. Stop it, or set ${setting} to another address.`;
  }
  if (code === "EACCES") {
    return `This user may not listen on ${address}. Choose a port of 1024 or above by ${setting}.`;
  }
  return `${setting} (${address}) cannot be listened on: ${errorMessage(error)}.`;
}
