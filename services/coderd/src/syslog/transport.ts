import { createSocket } from "node:dgram";
import { connect as connectTcp, isIP, isIPv6, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { FleetError } from "@fleet/base";

/** Sends to one syslog server. A failure rejects; the next message connects again. */
export type SyslogTransport = {
  send(message: string, signal: AbortSignal): Promise<void>;
  close(): void;
};

const PORTS: Record<string, number> = { "udp:": 514, "tcp:": 601, "tls:": 6514 };
/** What fits into a datagram (RFC 5426, section 3.2, names 2,048 as what all should accept, and 65,507 as the limit). */
const MAX_DATAGRAM_BYTES = 65_507;

/** `udp://`, `tcp://` or `tls://host:port`. Over TCP and TLS, each message follows its length (RFC 6587, section 3.4.1). */
export function createSyslogTransport(server: URL): SyslogTransport {
  const host = server.hostname.replace(/^\[|\]$/g, "");
  const port = Number(server.port) || PORTS[server.protocol]!;
  return server.protocol === "udp:" ? overDatagrams(host, port) : overStream(server.protocol, host, port);
}

function overDatagrams(host: string, port: number): SyslogTransport {
  return {
    async send(message) {
      const bytes = Buffer.from(message);
      if (bytes.length > MAX_DATAGRAM_BYTES)
        throw new FleetError("invalid_argument", "The entry is too long for UDP. Use tcp:// or tls://.");
      const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
      try {
        await new Promise<void>((resolve, reject) => {
          socket.once("error", reject);
          socket.send(bytes, port, host, (error) => (error ? reject(error) : resolve()));
        });
      } finally {
        socket.close();
      }
    },
    close() {},
  };
}

function overStream(protocol: string, host: string, port: number): SyslogTransport {
  let socket: Socket | undefined;

  function connect(signal: AbortSignal): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const connected = () => {
        signal.removeEventListener("abort", giveUp);
        made.off("error", reject);
        resolve(made);
      };
      const made =
        protocol === "tls:"
          ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }) }, connected)
          : connectTcp({ host, port }, connected);
      const giveUp = () => made.destroy(signal.reason);
      signal.addEventListener("abort", giveUp, { once: true });
      made.on("error", () => {});
      made.once("error", reject);
      made.once("close", () => {
        if (socket === made) socket = undefined;
      });
      // A server that ends its half takes no more. Nothing that it sends is read.
      made.once("end", () => made.destroy());
      made.resume();
    });
  }

  return {
    async send(message, signal) {
      socket ??= await connect(signal);
      const used = socket;
      const bytes = Buffer.from(message);
      await new Promise<void>((resolve, reject) => {
        const giveUp = () => used.destroy(signal.reason);
        signal.addEventListener("abort", giveUp, { once: true });
        used.write(Buffer.concat([Buffer.from(`${bytes.length} `), bytes]), (error) => {
          signal.removeEventListener("abort", giveUp);
          if (error) reject(error);
          else resolve();
        });
      });
    },
    close() {
      socket?.end();
    },
  };
}
