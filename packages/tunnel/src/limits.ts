/** The largest payload of one data frame, in bytes. A stream's turn in the round-robin is one frame. */
export const MAX_FRAME_BYTES = 64 * 1024;

/** All limits of a tunnel. Sizes are bytes, times milliseconds. */
export type TunnelLimits = {
  /** Bytes that a peer may send on a stream before the first credit. Announced in the hello frame. */
  initialWindow: number;
  /** Maximum size of a stream's auto-tuned window. */
  maxWindow: number;
  /** Maximum unread bytes of a tunnel over all its streams; beyond it, the stream with the most is reset. */
  receiveBuffer: number;
  /** Maximum concurrent streams opened by the peer; more are refused with `resource_exhausted`. */
  maxStreams: number;
  /** Maximum control frames queued for a blocked transport; a peer that causes more is disconnected. */
  controlQueue: number;
  /** Bytes buffered in the transport. More is slightly faster but delays small frames considerably. */
  transportBuffer: number;
  /** How often each side pings. */
  keepaliveMs: number;
  /** A peer from which nothing at all came for this long is dead. Checked with every keepalive, so that it may take one more. */
  deadAfterMs: number;
  /** How long a closing tunnel waits for its last frames to leave before it destroys the transport. */
  closeGraceMs: number;
};

export const DEFAULT_LIMITS: TunnelLimits = {
  initialWindow: 256 * 1024,
  maxWindow: 8 * 1024 * 1024,
  receiveBuffer: 64 * 1024 * 1024,
  maxStreams: 4096,
  controlQueue: 1024 * 1024,
  transportBuffer: 256 * 1024,
  keepaliveMs: 5_000,
  deadAfterMs: 15_000,
  closeGraceMs: 2_000,
};
