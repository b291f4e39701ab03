/** The last bytes of a stream: at most `capacity`, the oldest forgotten first, a chunk at a time. */
export class Ring {
  readonly #capacity: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  push(chunk: Buffer): void {
    // A copy: the chunk may be a slice of a far larger block.
    this.#chunks.push(Buffer.from(chunk.subarray(Math.max(0, chunk.length - this.#capacity))));
    this.#bytes += this.#chunks.at(-1)!.length;
    while (this.#bytes - this.#chunks[0]!.length >= this.#capacity)
      this.#bytes -= this.#chunks.shift()!.length;
  }

  read(): Buffer {
    const all = Buffer.concat(this.#chunks);
    return all.subarray(Math.max(0, all.length - this.#capacity));
  }
}
