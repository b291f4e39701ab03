import type { EventEmitter } from "node:events";
import { mkdir, rm, stat } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { errorMessage, type Logger } from "@fleet/base";
import type { Connection, ServerChannel } from "ssh2";
import { joinChannel } from "./channel.js";

/** Listeners that one client may ask for. */
const MAX_LISTENERS = 64;

type Reply = ((chosenPort?: number) => void) | undefined;
type Open = (socket: Socket, done: (error: Error | undefined, channel: ServerChannel) => void) => void;

/** Port and socket forwarding of one connection, both ways. */
export function serveForwards(client: Connection, logger: Logger): void {
  const listeners = new Map<string, Server>();

  client.on("tcpip", (accept, reject, { destIP, destPort }) => {
    dial(connect({ host: destIP, port: destPort, allowHalfOpen: true, noDelay: true }), accept, reject);
  });
  client.on("openssh.streamlocal", (accept, reject, { socketPath }) => {
    dial(connect({ path: socketPath, allowHalfOpen: true }), accept, reject);
  });
  const onRequest = (accept: Reply, reject: Reply, name: string, info: Record<string, unknown>) => {
    switch (name) {
      case "tcpip-forward":
        listenTcp(String(info.bindAddr), Number(info.bindPort), accept, reject);
        break;
      case "streamlocal-forward@openssh.com":
        void listenLocal(String(info.socketPath), accept, reject);
        break;
      case "cancel-tcpip-forward":
        cancel(`${info.bindAddr}:${info.bindPort}`, accept, reject);
        break;
      case "cancel-streamlocal-forward@openssh.com":
        cancel(String(info.socketPath), accept, reject);
        break;
      default:
        reject?.();
    }
  };
  (client as EventEmitter).on("request", onRequest);
  client.once("close", () => {
    for (const server of listeners.values()) server.close();
  });

  function listenTcp(address: string, port: number, accept: Reply, reject: Reply): void {
    // OpenSSH's words: empty or * is every address; a forwarded port stays on loopback unless asked otherwise.
    const host = address === "" || address === "*" ? undefined : address;
    const server = listen((socket, done) => {
      const bound = server!.address() as AddressInfo;
      client.forwardOut(address, bound.port, socket.remoteAddress ?? "", socket.remotePort ?? 0, done);
    }, reject);
    server?.listen({ host, port }, () => {
      const bound = (server.address() as AddressInfo).port;
      listeners.set(`${address}:${bound}`, server);
      accept?.(bound);
    });
  }

  async function listenLocal(path: string, accept: Reply, reject: Reply): Promise<void> {
    const server = listen((_socket, done) => client.openssh_forwardOutStreamLocal(path, done), reject);
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      // What an earlier session left behind; anything but a socket stays.
      if ((await stat(path)).isSocket()) await rm(path);
    } catch {
      // What is in the way is told by listen.
    }
    server?.listen({ path }, () => {
      listeners.set(path, server);
      accept?.();
    });
  }

  function listen(open: Open, reject: Reply): Server | undefined {
    if (listeners.size >= MAX_LISTENERS) {
      reject?.();
      return undefined;
    }
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
      socket.on("error", () => {});
      open(socket, (error, channel) => {
        if (error) socket.destroy();
        else joinChannel(channel, socket);
      });
    });
    server.on("error", (error) => {
      logger.warn("A forwarded port cannot be listened on.", { reason: errorMessage(error) });
      reject?.();
    });
    return server;
  }

  function cancel(key: string, accept: Reply, reject: Reply): void {
    const server = listeners.get(key);
    if (!server) {
      reject?.();
      return;
    }
    listeners.delete(key);
    server.close();
    accept?.();
  }
}

function dial(socket: Socket, accept: () => ServerChannel, reject: () => void): void {
  socket.once("error", reject);
  socket.once("connect", () => {
    socket.off("error", reject);
    const channel = accept();
    if (channel) joinChannel(channel, socket);
    else socket.destroy();
  });
}
