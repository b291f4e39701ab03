/** What a reader of a ring gets: the bytes from where it was, and how many before them are gone. */
export type RingPart = { bytes: Buffer; skipped: number };

/**
 * The last bytes of a stream: at most `capacity`, the oldest forgotten first. Readers keep their own position in the
 * stream, so that any number of them costs no more memory than one.
 */
export class Ring {
  readonly #capacity: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #end = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The position behind the last byte, counted from the stream's beginning. */
  get end(): number {
    return this.#end;
  }

  push(chunk: Buffer): void {
    this.#end += chunk.length;
    // A copy: the chunk may be a slice of a far larger block.
    this.#chunks.push(Buffer.from(chunk.subarray(Math.max(0, chunk.length - this.#capacity))));
    this.#bytes += this.#chunks.at(-1)!.length;
    while (this.#bytes - this.#chunks[0]!.length >= this.#capacity)
      this.#bytes -= this.#chunks.shift()!.length;
  }

  /** What came since that position, as far as it is kept. */
  since(position: number): RingPart {
    const wanted = Math.min(this.#end - position, this.#capacity, this.#bytes);
    const skipped = this.#end - position - wanted;
    const last = this.#chunks.at(-1);
    if (wanted === last?.length) return { bytes: last, skipped };
    return { bytes: Buffer.concat(this.#chunks).subarray(this.#bytes - wanted), skipped };
  }
}
