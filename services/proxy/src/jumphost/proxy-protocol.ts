import type { Socket } from "node:net";
import type { Clock } from "@fleet/base";
import { plainAddress } from "../http/client-facts.js";

/*
 * The header with which a TCP load balancer names the client, versions 1 and 2:
 * https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt
 */

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const WORD = Buffer.from("PROXY ", "latin1");
/** The longest line of version 1, with its end. */
const MAX_LINE = 107;
const FIXED_BYTES = 16;
/** Addresses and further fields of version 2. */
const MAX_FIELDS = 4096;

export type ProxyHeader =
  /** `address` is empty if the header does not name a client, as that of a health check. */
  | { found: true; address: string; length: number }
  /** `more`: the bytes could still become a header. */
  | { found: false; more: boolean };

/** Parses the header at the start of a connection. Throws for one that is malformed. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsLike(bytes, SIGNATURE)) return bytes.length < FIXED_BYTES ? MORE : parseBinary(bytes);
  if (startsLike(bytes, WORD)) return bytes.length < WORD.length ? MORE : parseLine(bytes);
  return { found: false, more: false };
}

const MORE: ProxyHeader = { found: false, more: true };

/** Whether the bytes are the start of the word, or begin with it. */
function startsLike(bytes: Buffer, word: Buffer): boolean {
  const length = Math.min(bytes.length, word.length);
  return bytes.subarray(0, length).equals(word.subarray(0, length));
}

function parseLine(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, MAX_LINE).indexOf("\r\n");
  if (end < 0) {
    if (bytes.length >= MAX_LINE) throw new Error("The PROXY line is too long.");
    return MORE;
  }
  const [, family, source = ""] = bytes.toString("latin1", 0, end).split(" ");
  if (family !== "TCP4" && family !== "TCP6" && family !== "UNKNOWN") {
    throw new Error("The PROXY line names no known protocol.");
  }
  return { found: true, address: family === "UNKNOWN" ? "" : source, length: end + 2 };
}

function parseBinary(bytes: Buffer): ProxyHeader {
  const [versionAndCommand = 0, family = 0] = bytes.subarray(12, 14);
  const fields = bytes.readUInt16BE(14);
  if (versionAndCommand >> 4 !== 2) throw new Error("The version of the PROXY header is not supported.");
  if (fields > MAX_FIELDS) throw new Error("The PROXY header is too long.");
  const length = FIXED_BYTES + fields;
  if (bytes.length < length) return MORE;
  const isLocal = (versionAndCommand & 0xf) === 0;
  const address = isLocal ? "" : sourceOf(family >> 4, bytes.subarray(FIXED_BYTES, length));
  return { found: true, address, length };
}

function sourceOf(family: number, fields: Buffer): string {
  if (family === 1 && fields.length >= 12) return [...fields.subarray(0, 4)].join(".");
  if (family === 2 && fields.length >= 36) {
    const groups = Array.from({ length: 8 }, (_, index) => fields.readUInt16BE(index * 2).toString(16));
    return plainAddress(new URL(`http://[${groups.join(":")}]`).hostname);
  }
  return "";
}

/**
 * Reads the header from a connection of a trusted load balancer, and leaves what follows in it. Some do not send one, nor
 * do SSH clients that connect directly: then the peer is the client. Rejects for a malformed header, or if the
 * connection closes.
 * @returns the client's address; undefined if the connection names none.
 */
export async function readProxyHeader(
  socket: Socket,
  options: { waitMs: number; clock: Clock },
): Promise<string | undefined> {
  let received: Buffer = Buffer.alloc(0);
  try {
    for (;;) {
      const chunk = await nextChunk(socket, options);
      if (!chunk) return undefined;
      received = Buffer.concat([received, chunk]);
      const header = parseProxyHeader(received);
      if (header.found) {
        received = received.subarray(header.length);
        return header.address || undefined;
      }
      if (!header.more) return undefined;
    }
  } finally {
    if (received.length > 0 && !socket.destroyed) socket.unshift(received);
  }
}

/** What the socket sends next; undefined if it sends nothing for a while, or has ended. */
function nextChunk(
  socket: Socket,
  { waitMs, clock }: { waitMs: number; clock: Clock },
): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (work: () => void) => {
      timer.cancel();
      socket.off("readable", onReadable);
      socket.off("close", onClose);
      work();
    };
    const timer = clock.after(waitMs, () => settle(() => resolve(undefined)));
    const onClose = () => settle(() => reject(new Error("The connection was closed.")));
    const onReadable = () => {
      const chunk = socket.read() as Buffer | null;
      if (chunk) settle(() => resolve(chunk));
      else if (socket.readableEnded) settle(() => resolve(undefined));
    };
    socket.on("readable", onReadable);
    socket.on("close", onClose);
  });
}
