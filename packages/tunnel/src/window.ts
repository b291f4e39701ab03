import type { TunnelLimits } from "./limits.js";

/**
 * The least round trip that a window is tuned for. On a path shorter than this, how soon the two processes run decides
 * and not the path. A stream at full speed may thus queue 2 ms of its own bytes in front of other streams' frames.
 */
const LEAST_RTT_MS = 1;

/** What the tuning of a window needs to know of its tunnel. */
export type WindowContext = {
  limits: Pick<TunnelLimits, "initialWindow" | "maxWindow">;
  /** The path's round trip without queues, in milliseconds; 0 while it is unknown, which counts as a short one. */
  baseRttMs(): number;
  /** Monotonic milliseconds, finer than one. */
  now(): number;
  /** Bytes by which the tunnel's windows may yet grow beyond their initial size, all together. */
  growth: { left: number };
};

/**
 * The credit that a receiver gives on one stream. It goes back when bytes were consumed, half a window at a time. The
 * window follows 2 × rate × round trip: what keeps the sender busy, and no more, since all of it may stand in queues
 * in front of other streams' frames.
 */
export class ReceiveWindow {
  readonly #context: WindowContext;
  #size: number;
  #limit: number; // all bytes that the peer may have sent
  #received = 0;
  #consumed = 0;
  #markBytes = 0; // what was consumed at the last credit,
  #markMs: number; // and when

  constructor(context: WindowContext) {
    this.#context = context;
    this.#size = context.limits.initialWindow;
    this.#limit = this.#size;
    this.#markMs = context.now();
  }

  /** The window as tuned, in bytes. */
  get size(): number {
    return this.#size;
  }

  /** Counts received bytes; false if the peer exceeded its credit. */
  receive(bytes: number): boolean {
    this.#received += bytes;
    return this.#received <= this.#limit;
  }

  /** Tells that all but `unread` of the received bytes are consumed. Returns the credit to send, mostly 0. */
  consume(unread: number): number {
    this.#consumed = this.#received - unread;
    if (this.#limit - this.#consumed > this.#size / 2) return 0;
    this.#tune();
    const credit = this.#consumed + this.#size - this.#limit;
    if (credit <= 0) return 0;
    this.#limit += credit;
    return credit;
  }

  #tune(): void {
    const { baseRttMs, growth, limits, now } = this.#context;
    const nowMs = now();
    const elapsedMs = Math.max(nowMs - this.#markMs, 0.001);
    const rttMs = Math.max(baseRttMs(), LEAST_RTT_MS);
    const wanted = (2 * (this.#consumed - this.#markBytes) * rttMs) / elapsedMs;
    this.#markBytes = this.#consumed;
    this.#markMs = nowMs;
    if (wanted > this.#size) {
      const grown = Math.min(wanted, this.#size * 2, limits.maxWindow, this.#size + growth.left);
      this.#resize(Math.max(this.#size, Math.floor(grown)));
    } else if (wanted < this.#size / 4) {
      this.#resize(Math.max(limits.initialWindow, Math.floor(this.#size / 2)));
    }
  }

  #resize(size: number): void {
    this.#context.growth.left -= size - this.#size;
    this.#size = size;
  }

  /** Returns the grown part to the tunnel. */
  release(): void {
    this.#resize(this.#context.limits.initialWindow);
  }
}
