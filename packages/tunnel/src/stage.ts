const SLAB_BYTES = 32 * 1024;

/** Memory shared by the small writes of all tunnels in a process: a thousand idle ones hold one slab, not a buffer each. */
let slab = Buffer.allocUnsafe(0);
let slabUsed = 0;

/**
 * Gathers small pieces into one contiguous write. What `take` returned is never written to again, so that a transport
 * may hold it for as long as it likes.
 */
export class Stage {
  #memory = slab;
  #start = 0;
  #end = 0;

  /**
   * Makes room for that many bytes, at most 32 KiB, and returns their offset in `memory`. Where they cannot follow the
   * bytes before them, those are handed to `spill` first.
   */
  reserve(bytes: number, spill: (chunk: Buffer) => void): number {
    if (this.#memory !== slab || this.#end !== slabUsed || slabUsed + bytes > slab.length) {
      const before = this.take();
      if (before) spill(before);
      if (slabUsed + bytes > slab.length) {
        slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
        slabUsed = 0;
      }
      this.#memory = slab;
      this.#start = slabUsed;
    }
    const at = slabUsed;
    slabUsed += bytes;
    this.#end = slabUsed;
    return at;
  }

  get memory(): Buffer {
    return this.#memory;
  }

  /** The bytes since the last time, undefined when there are none. */
  take(): Buffer | undefined {
    if (this.#end === this.#start) return undefined;
    const chunk = this.#memory.subarray(this.#start, this.#end);
    this.#start = this.#end;
    return chunk;
  }
}
