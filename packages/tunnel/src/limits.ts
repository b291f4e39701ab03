/** The largest payload of one data frame, in bytes. A stream's turn in the round-robin is one frame. */
export const MAX_FRAME_BYTES = 64 * 1024;

/** Every bound of a tunnel, in one place. Sizes are bytes, times milliseconds. */
export type TunnelLimits = {
  /** What a peer may send on a stream before the first credit. Told to the peer in the hello frame. */
  initialWindow: number;
  /** How far a stream's window may tune itself up. */
  maxWindow: number;
  /** Unread bytes that one tunnel may hold over all its streams; the fullest stream is reset beyond it. */
  receiveBuffer: number;
  /** Streams that the peer may have open at once; more are refused with `resource_exhausted`. */
  maxStreams: number;
  /** Control frames waiting for a transport that takes none; a peer that causes more is cut off. */
  controlQueue: number;
  /** Bytes handed to the transport ahead of the wire. More is faster by little and delays small frames by much. */
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
