import type { Duplex } from "node:stream";

/** The traffic of a pair of connections. */
export type SpliceEnd = {
  /** Bytes from the first connection to the second, and back. */
  bytesIn: number;
  bytesOut: number;
  /** Why it ended early; undefined if both sides closed cleanly. */
  error: Error | undefined;
};

/**
 * Connects two streams until both have closed. Half-close is preserved. An error or early close of either destroys the
 * other with the same error. Memory is limited by the two streams' own buffers.
 */
export function splice(client: Duplex, upstream: Duplex): Promise<SpliceEnd> {
  const end: SpliceEnd = { bytesIn: 0, bytesOut: 0, error: undefined };
  pump(client, upstream, (bytes) => {
    end.bytesIn += bytes;
  });
  pump(upstream, client, (bytes) => {
    end.bytesOut += bytes;
  });
  return new Promise((resolve) => {
    let open = 2;
    const watch = (stream: Duplex, other: Duplex) => {
      stream.on("error", (error: Error) => {
        end.error ??= error;
      });
      const onClose = () => {
        // If one side closed cleanly, the other may still flush its buffer.
        if (!stream.readableEnded || !stream.writableFinished) other.destroy(end.error);
        open -= 1;
        if (open === 0) resolve(end);
      };
      if (stream.closed) onClose();
      else stream.once("close", onClose);
    };
    watch(client, upstream);
    watch(upstream, client);
  });
}

function pump(from: Duplex, to: Duplex, count: (bytes: number) => void): void {
  from.on("data", (chunk: Buffer) => {
    count(chunk.length);
    if (to.writable && !to.write(chunk)) from.pause();
  });
  to.on("drain", () => from.resume());
  from.on("end", () => to.end());
}
