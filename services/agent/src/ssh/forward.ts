import type { EventEmitter } from "node:events";
import { rm, stat } from "node:fs/promises";
import type { Socket } from "node:net";
import { dirname } from "node:path";
import { errorMessage, FleetError, type Logger } from "@fleet/base";
import { makeFolder } from "@fleet/base/private-folder";
import type { Connection, ServerChannel } from "ssh2";
import { dial } from "../net/dial.js";
import type { Target } from "../net/target.js";
import { joinChannel, watchInput } from "./channel.js";
import { type Listener, listen, listenLoopback } from "./listen.js";

/** Maximum number of listeners per client. */
const MAX_LISTENERS = 64;
/** Maximum length of a Unix socket path, in bytes: a longer path would be truncated to a different one. */
const MAX_SOCKET_PATH_BYTES = process.platform === "darwin" ? 103 : 107;
const MAX_PORT = 65_535;

type Reply = ((chosenPort?: number) => void) | undefined;

/**
 * Port and socket forwarding of one connection in both directions. Every request is answered; impossible ones are
 * refused.
 */
export function serveForwards(
  client: Connection,
  logger: Logger,
  /** Called with the bytes that the client sends on a connection that it forwards. */
  onInput: (bytes: number) => void,
): void {
  const listeners = new Map<string, Listener>();
  /** Listeners being created: they count towards the limit, because requests may be concurrent. */
  let coming = 0;
  let closed = false;

  client.on("tcpip", (accept, reject, { destIP, destPort }) => {
    void connectTo({ host: destIP, port: destPort }, accept, reject, onInput);
  });
  client.on("openssh.streamlocal", (accept, reject, { socketPath }) => {
    void connectTo({ path: socketPath }, accept, reject, onInput);
  });
  const onRequest = (accept: Reply, reject: Reply, name: string, info: Record<string, unknown>) => {
    const [address, path] = [String(info.bindAddr), String(info.socketPath)];
    const port = Number(info.bindPort);
    switch (name) {
      case "tcpip-forward":
        return void keep(
          (bound) => `${address}:${bound}`,
          () => listenTcp(address, port),
          accept,
          reject,
        );
      case "streamlocal-forward@openssh.com":
        return void keep(
          () => path,
          () => listenLocal(path),
          accept,
          reject,
        );
      case "cancel-tcpip-forward":
        return cancel(`${address}:${port}`, accept, reject);
      case "cancel-streamlocal-forward@openssh.com":
        return cancel(path, accept, reject);
      default:
        reject?.();
    }
  };
  (client as EventEmitter).on("request", onRequest);
  client.once("close", () => {
    closed = true;
    for (const listener of listeners.values()) listener.close();
  });

  async function keep(
    keyOf: (port: number) => string,
    make: () => Promise<Listener>,
    accept: Reply,
    reject: Reply,
  ): Promise<void> {
    try {
      if (listeners.size + coming >= MAX_LISTENERS) {
        const message = `The client has ${MAX_LISTENERS} forwarded ports, which is the limit.`;
        throw new FleetError("resource_exhausted", message);
      }
      coming += 1;
      const listener = await make().finally(() => {
        coming -= 1;
      });
      if (closed) return listener.close();
      listeners.set(keyOf(listener.port), listener);
      accept?.(listener.port);
    } catch (error) {
      logger.warn("Failed to listen for a remote port forward.", { reason: errorMessage(error) });
      reject?.();
    }
  }

  async function listenTcp(address: string, port: number): Promise<Listener> {
    if (!(port <= MAX_PORT)) throw new FleetError("invalid_argument", `Invalid port ${port}.`);
    let bound = port;
    const onSocket = (socket: Socket) => {
      const [from, fromPort] = [socket.remoteAddress ?? "", socket.remotePort ?? 0];
      client.forwardOut(address, bound, from, fromPort, joining(socket));
    };
    const listener =
      address === "localhost"
        ? await listenLoopback(port, onSocket)
        : // As in OpenSSH: empty or * means all addresses; forwarded ports are on loopback by default.
          await listen({ host: address === "" || address === "*" ? undefined : address, port }, onSocket);
    bound = listener.port;
    return listener;
  }

  async function listenLocal(path: string): Promise<Listener> {
    if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
      throw new FleetError(
        "invalid_argument",
        `The socket path is longer than ${MAX_SOCKET_PATH_BYTES} bytes.`,
      );
    }
    if (!path.startsWith("/")) throw new FleetError("invalid_argument", "The socket path must be absolute.");
    makeFolder(dirname(path), 0o700);
    // Removes a stale socket of an earlier session; any other file is kept, and listen fails.
    if (
      await stat(path).then(
        (stats) => stats.isSocket(),
        () => false,
      )
    )
      await rm(path);
    return await listen({ path }, (socket) => client.openssh_forwardOutStreamLocal(path, joining(socket)));
  }

  function cancel(key: string, accept: Reply, reject: Reply): void {
    const listener = listeners.get(key);
    if (!listener) {
      reject?.();
      return;
    }
    listeners.delete(key);
    listener.close();
    accept?.();
  }
}

/** Connects a socket to the channel that the client opens for it. */
function joining(socket: Socket) {
  return (error: Error | undefined, channel: ServerChannel) => {
    if (error) socket.destroy();
    else joinChannel(channel, socket);
  };
}

async function connectTo(
  target: Target,
  accept: () => ServerChannel,
  reject: () => void,
  onInput: (bytes: number) => void,
): Promise<void> {
  let socket: Socket;
  try {
    socket = await dial(target);
  } catch {
    return reject();
  }
  const channel = accept();
  if (!channel) return void socket.destroy();
  watchInput(channel, onInput);
  joinChannel(channel, socket);
}
