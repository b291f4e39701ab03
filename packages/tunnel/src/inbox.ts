/** Pieces below this size are copied together, so that a peer's one-byte frames do not cost an object each. */
const SMALL_BYTES = 2048;
const BLOCK_BYTES = 8192;

/** The unread bytes of one stream, in order. The stream's window bounds it. */
export class Inbox {
  #chunks: Buffer[] = [];
  #head = 0;
  #block: Buffer | undefined; // the last chunk's memory, while small pieces may be added to it
  #blockBytes = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps a piece. One that would pin much more memory than its own is copied. */
  add(piece: Buffer): void {
    this.#bytes += piece.length;
    if (piece.length < SMALL_BYTES) {
      this.#addSmall(piece);
    } else {
      this.#block = undefined;
      this.#chunks.push(piece.length * 2 < piece.buffer.byteLength ? Buffer.from(piece) : piece);
    }
  }

  #addSmall(piece: Buffer): void {
    if (this.#block && this.#blockBytes + piece.length <= BLOCK_BYTES) {
      piece.copy(this.#block, this.#blockBytes);
      const last = this.#chunks.at(-1)!;
      const start = last.byteOffset - this.#block.byteOffset;
      this.#blockBytes += piece.length;
      this.#chunks[this.#chunks.length - 1] = this.#block.subarray(start, this.#blockBytes);
      return;
    }
    this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    piece.copy(this.#block, 0);
    this.#blockBytes = piece.length;
    this.#chunks.push(this.#block.subarray(0, piece.length));
  }

  /** Takes the oldest chunk out. */
  shift(): Buffer | undefined {
    const chunk = this.#chunks[this.#head];
    if (!chunk) return undefined;
    this.#bytes -= chunk.length;
    this.#head++;
    if (this.#head === this.#chunks.length) this.clear();
    return chunk;
  }

  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#block = undefined;
    this.#bytes = 0;
  }
}
