/** All limits of a resumable stream. Sizes are bytes, times milliseconds. */
export type ResumableLimits = {
  /**
   * What one end may have under way: sent bytes are kept until the other end's reader has taken them, and a writer waits
   * beyond this. So it bounds the replay of one end and the unread bytes of the other alike.
   */
  windowBytes: number;
  /** Bytes of one data frame. */
  frameBytes: number;
  /** Bytes handed to a connection ahead of the wire. */
  transportBytes: number;
  /** Bytes that were taken are acknowledged when they come to an eighth of the window, or after this delay. */
  ackDelayMs: number;
  /** Interval of pings to a silent peer. */
  keepaliveMs: number;
  /** A connection that has received nothing for this long is dropped. Checked with every keepalive. */
  deadAfterMs: number;
  /** Connecting and greeting together. */
  handshakeMs: number;
  /** How long a stream may be without a connection before it fails: the longest interruption of an SSH session. */
  detachedMs: number;
  /** How long a closing client tries to notify the other end. */
  farewellMs: number;
  /** How long a connection may take to flush its last bytes. */
  closeGraceMs: number;
  /** How long a server remembers how a stream ended, for a client that missed the end. */
  rememberEndMs: number;
  /** Maximum streams of one server, including remembered ends. */
  streams: number;
  /** Streams of one server that wait for their client, and what they may hold together; the longest gone goes first. */
  detachedStreams: number;
  detachedBytes: number;
};

export const DEFAULT_LIMITS: ResumableLimits = {
  windowBytes: 4 * 1024 * 1024,
  frameBytes: 256 * 1024,
  transportBytes: 256 * 1024,
  ackDelayMs: 200,
  keepaliveMs: 5_000,
  deadAfterMs: 15_000,
  handshakeMs: 15_000,
  detachedMs: 72 * 60 * 60 * 1000,
  farewellMs: 5_000,
  closeGraceMs: 2_000,
  rememberEndMs: 10 * 60 * 1000,
  streams: 1024,
  detachedStreams: 128,
  detachedBytes: 64 * 1024 * 1024,
};
