import { once } from "node:events";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import { errorMessage, FleetError, type Logger, surviveRefusedConnections } from "@fleet/base";

export type Listening = {
  /** `host:port` with the actual port. */
  readonly address: string;
  /** Stops accepting connections and closes idle ones. */
  stop(): void;
  /** Closes every connection, including upgraded ones. */
  close(): Promise<void>;
};

type AnyServer = Pick<NetServer, "address" | "close" | "listen" | "on"> & { closeIdleConnections?(): void };

/**
 * Listens on `host:port` (port 0 picks a free one, an empty host listens on all addresses). Rejects with an error that
 * names the setting.
 */
export async function listen(
  server: AnyServer,
  address: string,
  setting: string,
  logger: Logger,
): Promise<Listening> {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw new FleetError(
      "invalid_argument",
      `${setting}: "${address}" is not a valid address. Example: 127.0.0.1:3000.`,
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
    await once(server as NetServer, "listening");
  } catch (error) {
    throw new FleetError("unavailable", sentenceOf(error, address, setting), { cause: error });
  }
  surviveRefusedConnections(server, logger);
  const bound = (server.address() as AddressInfo).port;
  return {
    address: `${host.includes(":") ? `[${host}]` : host}:${bound}`,
    stop() {
      server.close();
      server.closeIdleConnections?.();
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
    return `Address ${address} is already in use. Stop the other program, or set ${setting} to a different address.`;
  }
  if (code === "EACCES") {
    return `Permission denied to listen on ${address}. Set ${setting} to a port of 1024 or above.`;
  }
  return `Cannot listen on ${address} (${setting}): ${errorMessage(error)}.`;
}
