/**
 * The bytes of one direction that the peer may still request again, by position. Buffers are kept as they were
 * written, not copied.
 */
export class Replay {
  #chunks: Buffer[] = [];
  #head = 0; // the first chunk that is kept
  #headStart = 0; // its position
  #acknowledged = 0;
  #end = 0;
  #sent = 0;
  #next = 0; // the chunk in which `#sent` lies, and where in it
  #nextOffset = 0;

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** The position after everything written. */
  get end(): number {
    return this.#end;
  }

  /** The position after what `take` returned last. */
  get sent(): number {
    return this.#sent;
  }

  append(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#end += chunk.length;
  }

  /** The next chunks to send, at most `bytes` in total. */
  take(bytes: number): Buffer[] {
    const taken: Buffer[] = [];
    for (let left = Math.min(bytes, this.#end - this.#sent); left > 0; ) {
      const chunk = this.#chunks[this.#next]!;
      const piece = chunk.subarray(this.#nextOffset, this.#nextOffset + left);
      taken.push(piece);
      left -= piece.length;
      this.#sent += piece.length;
      this.#nextOffset += piece.length;
      if (this.#nextOffset === chunk.length) {
        this.#next++;
        this.#nextOffset = 0;
      }
    }
    return taken;
  }

  /** Resends from this position on, which is not before what was acknowledged. */
  rewind(position: number): void {
    this.#next = this.#head;
    this.#nextOffset = position - this.#headStart;
    this.#sent = position;
    while (this.#next < this.#chunks.length && this.#nextOffset >= this.#chunks[this.#next]!.length) {
      this.#nextOffset -= this.#chunks[this.#next]!.length;
      this.#next++;
    }
  }

  /** Releases what lies before the position, which was sent. */
  acknowledge(position: number): void {
    this.#acknowledged = position;
    while (this.#head < this.#chunks.length) {
      const end = this.#headStart + this.#chunks[this.#head]!.length;
      if (end > position) break;
      this.#chunks[this.#head] = EMPTY;
      this.#headStart = end;
      this.#head++;
    }
    this.#compact();
  }

  #compact(): void {
    if (this.#head < 64 || this.#head * 2 < this.#chunks.length) return;
    this.#chunks = this.#chunks.slice(this.#head);
    this.#next -= this.#head;
    this.#head = 0;
  }

  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#next = 0;
    this.#nextOffset = 0;
  }
}

const EMPTY = Buffer.alloc(0);
