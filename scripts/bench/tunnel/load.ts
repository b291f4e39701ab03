import { connect, type Socket } from "node:net";
import { REQUEST, RESPONSE } from "./roles.js";

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}

function order(letter: "D" | "U", bytes: number): Buffer {
  const buffer = Buffer.alloc(7, letter);
  buffer.writeUIntBE(bytes, 1, 6);
  return buffer;
}

/** Downloads this many bytes over each stream at the same time. Returns total MB/s. */
export async function download(port: number, bytes: number, streams = 1): Promise<number> {
  const sockets = await Promise.all(Array.from({ length: streams }, () => open(port)));
  const start = performance.now();
  await Promise.all(sockets.map((socket) => drain(socket, bytes)));
  return (bytes * streams) / 1000 / (performance.now() - start);
}

function drain(socket: Socket, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let got = 0;
    socket.on("data", (chunk: Buffer) => {
      got += chunk.length;
    });
    socket.once("end", () =>
      got === bytes ? resolve() : reject(new Error(`Got ${got} of ${bytes} bytes.`)),
    );
    socket.write(order("D", bytes));
  });
}

/** Uploads this many bytes; done when the target confirms that it has them all. Returns MB/s. */
export async function upload(port: number, bytes: number): Promise<number> {
  const socket = await open(port);
  const block = Buffer.alloc(64 * 1024, "bulk");
  const start = performance.now();
  const answered = new Promise<void>((resolve) => {
    socket.once("data", () => resolve());
  });
  socket.write(order("U", bytes));
  for (let left = bytes; left > 0; ) {
    const chunk = left < block.length ? block.subarray(0, left) : block;
    left -= chunk.length;
    if (!socket.write(chunk)) await new Promise((resolve) => socket.once("drain", resolve));
  }
  await answered;
  socket.destroy();
  return bytes / 1000 / (performance.now() - start);
}

/** Sends small requests over keep-alive connections, one in flight on each. Returns latencies in ms, and the rate. */
export async function requests(
  port: number,
  connections: number,
  forMs: number,
): Promise<{ latencies: number[]; perSecond: number }> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const latencies: number[] = [];
  const start = performance.now();
  const end = start + forMs;
  await Promise.all(sockets.map((socket) => exchange(socket, end, latencies)));
  const perSecond = (latencies.length * 1000) / (performance.now() - start);
  for (const socket of sockets) socket.destroy();
  return { latencies, perSecond };
}

function exchange(socket: Socket, end: number, latencies: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let missing = 0;
    let sent = 0;
    const next = () => {
      missing = RESPONSE.length;
      sent = performance.now();
      socket.write(REQUEST);
    };
    socket.once("close", () => reject(new Error("A connection closed in the middle of its requests.")));
    socket.on("data", (chunk: Buffer) => {
      missing -= chunk.length;
      if (missing > 0) return;
      const at = performance.now();
      latencies.push(at - sent);
      if (at < end) next();
      else resolve();
    });
    next();
  });
}

/** Small requests, one at a time, while an unlimited download runs at full speed beside them. Returns milliseconds. */
export async function requestsBehindBulk(port: number, forMs: number): Promise<number[]> {
  const bulk = await open(port);
  let flowing = false;
  await new Promise<void>((resolve) => {
    bulk.on("data", () => {
      if (flowing) return;
      flowing = true;
      resolve();
    });
    bulk.write(order("D", 2 ** 40));
  });
  const { latencies } = await requests(port, 1, forMs);
  bulk.destroy();
  return latencies;
}
