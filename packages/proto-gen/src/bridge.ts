import { once } from "node:events";
import { rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { nullLogger, surviveRefusedConnections } from "@fleet/base";
import { createPrivateFolder } from "@fleet/base/private-folder";

/** A socket's address has 108 bytes on Linux and 104 on macOS; the folder's path leaves room for its name. */
const MAX_FOLDER_BYTES = 100;
/** Connections of a dialer at the same time: a channel has one, and briefly a second while it reconnects. */
const MAX_DIALED = 8;

/** A local address that leads to one existing connection. */
export type Bridge = {
  /** As grpc-js writes it: `unix:/path`, or `127.0.0.1:port` on Windows and where no folder is writable. */
  address: string;
  close(): void;
};

/** A local address whose every connection leads to a connection of its own. */
export type Dialer = Bridge & {
  /** Why the last connection could not be opened; undefined if it was. */
  readonly failure: unknown;
};

/**
 * Gives a connection an address, since a grpc-js client can only dial. Only the first caller to dial gets the
 * connection: the socket's folder is private to this user, and is removed once it has been used. When either side
 * ends, so does the other.
 */
export async function createBridge(connection: Duplex, platform = process.platform): Promise<Bridge> {
  let local: Socket | undefined;
  const close = () => {
    door?.close();
    local?.destroy();
    connection.destroy();
  };
  let door: Door | undefined;
  connection.on("error", close);
  connection.on("close", close);
  try {
    door = await openDoor(platform, 1);
  } catch (error) {
    close();
    throw error;
  }
  const { address, server } = door;
  server.once("connection", (socket: Socket) => {
    local = socket;
    door?.close();
    carry(socket, connection);
  });
  if (connection.destroyed) close();
  return { address, close };
}

/**
 * Gives a grpc-js client an address at which it can connect again and again: each connection is carried over one that
 * `dial` opens, through the deployment's front door. If `dial` rejects, the client sees a connection that ended, and
 * waits before it tries again as after any other. The socket's folder is private to this user.
 */
export async function createDialer(
  dial: (signal: AbortSignal) => Promise<Duplex>,
  platform = process.platform,
): Promise<Dialer> {
  const closing = new AbortController();
  const door = await openDoor(platform, MAX_DIALED);
  let failure: unknown;
  door.server.on("connection", (local: Socket) => {
    const gone = new AbortController();
    local.once("close", () => gone.abort());
    local.on("error", () => local.destroy());
    dial(AbortSignal.any([closing.signal, gone.signal])).then(
      (connection) => {
        failure = undefined;
        if (local.destroyed) connection.destroy();
        else carry(local, connection);
      },
      (error) => {
        if (!gone.signal.aborted) failure = error;
        local.destroy();
      },
    );
    closing.signal.addEventListener("abort", () => local.destroy(), { once: true, signal: gone.signal });
  });
  return {
    address: door.address,
    get failure() {
      return failure;
    },
    close() {
      closing.abort();
      door.close();
    },
  };
}

type Door = { address: string; server: Server; close(): void };

/** Listens where only this user can connect. Connections are paused until their other side is there. */
async function openDoor(platform: NodeJS.Platform, maxConnections: number): Promise<Door> {
  const folder = platform === "win32" ? undefined : socketFolder();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.maxConnections = maxConnections;
  const close = () => {
    server.close();
    if (folder) rm(folder, { recursive: true, force: true }).catch(() => {});
  };
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
  return { address, server, close };
}

/** Carries bytes both ways until either side ends. */
function carry(local: Socket, connection: Duplex): void {
  local.setNoDelay(true);
  const close = () => {
    local.destroy();
    connection.destroy();
  };
  for (const side of [local, connection]) {
    side.on("error", close);
    side.on("close", close);
  }
  local.pipe(connection);
  connection.pipe(local);
}

function socketFolder(): string | undefined {
  try {
    return createPrivateFolder("coder-grpc-", { maxPathBytes: MAX_FOLDER_BYTES });
  } catch {
    return undefined;
  }
}
