import { connect, type Socket } from "node:net";

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}

const ask = (path: string) =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nhost: app\r\nuser-agent: bench\r\naccept: */*\r\n\r\n`);

/** Small requests over keep-alive connections, one in flight on each. Returns the rate and the latencies in ms. */
export async function requests(port: number, path: string, connections: number, forMs: number) {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const latencies: number[] = [];
  const start = performance.now();
  await Promise.all(sockets.map((socket) => exchange(socket, ask(path), start + forMs, latencies)));
  const perSecond = (latencies.length * 1000) / (performance.now() - start);
  for (const socket of sockets) socket.destroy();
  return { latencies, perSecond };
}

function exchange(socket: Socket, question: Buffer, endAt: number, latencies: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let head = "";
    let missing = 0;
    let sent = 0;
    const next = () => {
      head = "";
      missing = 0;
      sent = performance.now();
      socket.write(question);
    };
    socket.once("close", () => reject(new Error("A connection closed in the middle of its requests.")));
    socket.on("data", (chunk: Buffer) => {
      if (missing > 0) missing -= chunk.length;
      else {
        head += chunk.toString("latin1");
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        if (!head.startsWith("HTTP/1.1 200"))
          return reject(new Error(`The answer was ${head.slice(0, 40)}.`));
        missing = end + 4 + Number(/content-length: *(\d+)/i.exec(head)![1]) - head.length;
      }
      if (missing > 0) return;
      const at = performance.now();
      latencies.push(at - sent);
      if (at < endAt) next();
      else resolve();
    });
    next();
  });
}

/** Downloads once. Returns MB/s. */
export async function download(port: number, path: string, bytes: number): Promise<number> {
  const socket = await open(port);
  const start = performance.now();
  await new Promise<void>((resolve, reject) => {
    let got = 0;
    socket.once("close", () => reject(new Error(`Got ${got} of ${bytes} bytes.`)));
    socket.on("data", (chunk: Buffer) => {
      got += chunk.length;
      if (got >= bytes) resolve(); // includes the headers, so it ends a few bytes early: negligible
    });
    socket.write(ask(path));
  });
  const rate = bytes / 1000 / (performance.now() - start);
  socket.destroy();
  return rate;
}
