import { once } from "node:events";
import { rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { nullLogger, surviveRefusedConnections } from "@fleet/base";
import { createPrivateFolder } from "@fleet/base/private-folder";

/** A socket's address has 108 bytes on Linux and 104 on macOS; the folder's path leaves room for its name. */
const MAX_FOLDER_BYTES = 100;

/** A local address that leads to one existing connection. */
export type Bridge = {
  /** As grpc-js writes it: `unix:/path`, or `127.0.0.1:port` on Windows and where no folder is writable. */
  address: string;
  close(): void;
};

/**
 * Gives a connection an address, since a grpc-js client can only dial. Only the first caller to dial gets the
 * connection: the socket's folder is private to this user, and is removed once it has been used. When either side
 * ends, so does the other.
 */
export async function createBridge(connection: Duplex, platform = process.platform): Promise<Bridge> {
  const folder = platform === "win32" ? undefined : socketFolder();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.maxConnections = 1;
  let local: Socket | undefined;

  const stopListening = () => {
    server.close();
    if (folder) rm(folder, { recursive: true, force: true }).catch(() => {});
  };
  const close = () => {
    stopListening();
    local?.destroy();
    connection.destroy();
  };

  server.once("connection", (socket) => {
    local = socket;
    stopListening();
    socket.setNoDelay(true);
    for (const side of [socket, connection]) {
      side.on("error", close);
      side.on("close", close);
    }
    socket.pipe(connection);
    connection.pipe(socket);
  });
  connection.on("error", close);
  connection.on("close", close);

  if (folder) server.listen(join(folder, "s"));
  else server.listen(0, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    close();
    throw error;
  }
  surviveRefusedConnections(server, nullLogger);
  const address = folder
    ? `unix:${join(folder, "s")}`
    : `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { address, close };
}

function socketFolder(): string | undefined {
  try {
    return createPrivateFolder("coder-agent-rpc-", { maxPathBytes: MAX_FOLDER_BYTES });
  } catch {
    return undefined;
  }
}
