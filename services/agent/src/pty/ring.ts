/** The bytes after a reader's position, and how many of them were already overwritten. */
export type RingPart = { bytes: Buffer; skipped: number };

/**
 * The last bytes of a stream, at most `capacity`; the oldest are overwritten first. Readers keep their own position, so
 * that additional readers need no memory.
 */
export class Ring {
  readonly #capacity: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #end = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The position after the last byte, counted from the stream's beginning. */
  get end(): number {
    return this.#end;
  }

  push(chunk: Buffer): void {
    this.#end += chunk.length;
    // Copied, because the chunk may be a slice of a much larger block.
    this.#chunks.push(Buffer.from(chunk.subarray(Math.max(0, chunk.length - this.#capacity))));
    this.#bytes += this.#chunks.at(-1)!.length;
    while (this.#bytes - this.#chunks[0]!.length >= this.#capacity)
      this.#bytes -= this.#chunks.shift()!.length;
  }

  /** The bytes after that position that are still kept. */
  since(position: number): RingPart {
    const wanted = Math.min(this.#end - position, this.#capacity, this.#bytes);
    const skipped = this.#end - position - wanted;
    const last = this.#chunks.at(-1);
    if (wanted === last?.length) return { bytes: last, skipped };
    return { bytes: Buffer.concat(this.#chunks).subarray(this.#bytes - wanted), skipped };
  }
}
