import { createSocket, type Socket } from "node:dgram";
import type { Duplex } from "node:stream";
import { createDatagramReader, frameDatagram } from "@fleet/tunnel/datagrams";

/**
 * Sends a stream's datagrams to a UDP port, and what comes back into the stream. `localhost` and 127.0.0.1 also mean
 * ::1 if nothing listens on the former, which only shows in the answer to a datagram. Like a network, it drops what the
 * reader of the stream does not take.
 */
export function relayDatagrams(stream: Duplex, { host, port }: { host: string; port: number }): void {
  const isLoopback = host === "localhost" || host === "127.0.0.1";
  const addresses = isLoopback ? ["127.0.0.1", "::1"] : [host];
  let last: Buffer | undefined;
  let socket = open(addresses.shift()!);

  function open(address: string): Socket {
    const opened = createSocket(address.includes(":") ? "udp6" : "udp4");
    opened.on("message", (payload) => {
      // This address answers: a refusal later is the program's end.
      addresses.length = 0;
      if (!stream.writableNeedDrain) stream.write(frameDatagram(payload));
    });
    opened.on("error", (error: NodeJS.ErrnoException) => {
      const next = error.code === "ECONNREFUSED" ? addresses.shift() : undefined;
      if (next === undefined || stream.destroyed) return;
      opened.close();
      socket = open(next);
      if (last) send(last);
    });
    // Connected, so that the system reports a port on which nothing listens, and takes answers from it only.
    opened.connect(port, address);
    return opened;
  }

  function send(payload: Buffer): void {
    const to = socket;
    const sendNow = () => {
      // The callback takes errors of this datagram, such as its size.
      if (to === socket && !stream.destroyed) to.send(payload, () => {});
    };
    if (isConnected(to)) sendNow();
    else to.once("connect", sendNow);
  }

  const read = createDatagramReader((payload) => {
    last = addresses.length > 0 ? Buffer.from(payload) : undefined;
    send(payload);
  });
  stream.on("data", read);
  stream.once("end", () => stream.end());
  stream.on("error", () => {});
  stream.once("close", () => socket.close());
}

function isConnected(socket: Socket): boolean {
  try {
    socket.remoteAddress();
    return true;
  } catch {
    return false;
  }
}
