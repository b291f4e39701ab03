import { type Duplex, duplexPair } from "node:stream";

export type LinkOptions = {
  /** The size of the next piece that a chunk is cut into. Whole chunks when absent. */
  pieceBytes?(): number;
  /** How long after it came the next piece goes on; pieces keep their order, as on a TCP connection that lost a segment. */
  delayMs?(): number;
  /** Bytes that are on the way at most; then the sender sees backpressure. */
  capacity?: number;
};

/** A connection in memory that cuts and delays what goes through, like a network between two sockets. */
export function createLink(options: LinkOptions = {}): [Duplex, Duplex] {
  const [left, leftInside] = duplexPair() as [Duplex, Duplex];
  const [right, rightInside] = duplexPair() as [Duplex, Duplex];
  forward(leftInside, rightInside, options);
  forward(rightInside, leftInside, options);
  return [left, right];
}

function forward(from: Duplex, to: Duplex, options: LinkOptions): void {
  const {
    pieceBytes = () => Number.POSITIVE_INFINITY,
    delayMs = () => 0,
    capacity = 8 * 1024 * 1024,
  } = options;
  const way: { due: number; piece: Buffer | undefined }[] = [];
  let bytes = 0;
  let moving = false;

  function deliver(): void {
    moving = false;
    while (way.length > 0 && way[0]!.due <= performance.now()) {
      const { piece } = way.shift()!;
      if (!piece) return void to.end();
      bytes -= piece.length;
      if (!to.write(piece)) {
        moving = true;
        to.once("drain", deliver);
        return;
      }
    }
    if (bytes < capacity) from.resume();
    move();
  }

  function move(): void {
    if (moving || way.length === 0) return;
    moving = true;
    const wait = way[0]!.due - performance.now();
    if (wait < 1) setImmediate(deliver);
    else setTimeout(deliver, wait);
  }

  from.on("data", (chunk: Buffer) => {
    const due = () => Math.max(way.at(-1)?.due ?? 0, performance.now() + delayMs());
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + pieceBytes());
      at += piece.length;
      bytes += piece.length;
      way.push({ due: due(), piece });
    }
    if (bytes >= capacity) from.pause();
    move();
  });
  from.on("end", () => {
    way.push({ due: way.at(-1)?.due ?? 0, piece: undefined });
    move();
  });
  from.on("close", () => {
    if (!from.readableEnded) to.destroy();
  });
}
