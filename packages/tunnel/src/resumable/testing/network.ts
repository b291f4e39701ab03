import { type Duplex, duplexPair } from "node:stream";
import { FleetError } from "@fleet/base";

export type Direction = "up" | "down";

/** What a connection does: it carries so many bytes of one direction, and breaks then. */
export type Fate = { direction: Direction; bytes: number };

export type Network = {
  connect(signal: AbortSignal): Promise<Duplex>;
  /** Breaks the present connection. */
  cut(): void;
  /** Swallows all bytes of the present connection, as a half-open one does. */
  swallow(): void;
  /** Where false, nobody is reached. */
  up: boolean;
  readonly connections: number;
};

/** A way to a server that breaks as it is told: the first fate is the first connection's, and so on. */
export function createNetwork(server: { accept(transport: Duplex): void }, fates: Fate[] = []): Network {
  let cut = () => {};
  let swallowing = false;
  let connections = 0;

  return {
    up: true,
    get connections() {
      return connections;
    },
    async connect() {
      if (!this.up) throw new FleetError("unavailable", "The network is down.");
      const fate = fates[connections++];
      const [client, near] = duplexPair() as [Duplex, Duplex];
      const [far, service] = duplexPair() as [Duplex, Duplex];
      let broken = false;
      swallowing = false;
      const breakAll = () => {
        if (broken) return;
        broken = true;
        near.end();
        far.end();
      };
      cut = breakAll;
      const carry = (from: Duplex, to: Duplex, direction: Direction) => {
        let left = fate?.direction === direction ? fate.bytes : Number.POSITIVE_INFINITY;
        if (left === 0) setImmediate(breakAll);
        from.on("data", (chunk: Buffer) => {
          if (broken || swallowing) return;
          const piece = chunk.subarray(0, left);
          left -= piece.length;
          if (!to.write(piece)) {
            from.pause();
            to.once("drain", () => from.resume());
          }
          if (left === 0) breakAll();
        });
        from.on("end", () => broken || swallowing || to.end());
        from.on("close", () => from.readableEnded || swallowing || breakAll());
      };
      carry(near, far, "up");
      carry(far, near, "down");
      server.accept(service);
      return client;
    },
    cut: () => cut(),
    swallow() {
      swallowing = true;
    },
  };
}

/** All bytes until the end. Unlike node:stream/consumers, it leaves the other direction alone. */
export function bytesOf(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.once("end", () => resolve(Buffer.concat(chunks)));
    stream.once("error", reject);
  });
}
