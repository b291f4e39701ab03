import { FleetError } from "@fleet/base";
import type { StreamHeader } from "./header.js";
import type { TunnelLimits } from "./limits.js";
import { MuxStream, type StreamLink } from "./stream.js";

const MAX_STREAM_ID = 0xffff_ffff;

/** The living streams of one tunnel, by their numbers: the client's are odd, the server's even, and none is used twice. */
export type StreamTable = {
  /** Adds the next stream of this end. Throws `unavailable` if the numbers are exhausted. */
  addOwn(header: StreamHeader, window: number): MuxStream;
  /** Registers the number of a stream that the peer opens. False if it is out of order. */
  takePeerId(id: number): boolean;
  addPeer(id: number, header: StreamHeader, window: number): MuxStream;
  get(id: number): MuxStream | undefined;
  /** Whether a stream with this number was ever opened, by either end. */
  wasOpened(id: number): boolean;
  readonly size: number;
  /** Streams that the peer has opened. */
  readonly peerSize: number;
  [Symbol.iterator](): IterableIterator<MuxStream>;
};

export function createStreamTable({
  role,
  limits,
  outbox,
  baseRttMs,
  now,
  onRemoved,
}: {
  role: "client" | "server";
  limits: TunnelLimits;
  outbox: StreamLink["outbox"];
  baseRttMs(): number;
  /** Monotonic milliseconds. */
  now(): number;
  onRemoved(): void;
}): StreamTable {
  const streams = new Map<number, MuxStream>();
  const ownParity = role === "client" ? 1 : 0;
  let lastOwnId = role === "client" ? -1 : 0;
  let lastPeerId = 0;
  let peerSize = 0;
  let unread = 0;
  const isOwn = (id: number) => id % 2 === ownParity;

  const link: StreamLink = {
    outbox,
    window: { limits, baseRttMs, now, growth: { left: Math.floor(limits.receiveBuffer / 2) } },
    onUnread(delta) {
      unread += delta;
      if (unread > limits.receiveBuffer) resetFullest();
    },
    onRemoved(stream) {
      if (!streams.delete(stream.id)) return;
      if (!isOwn(stream.id)) peerSize--;
      onRemoved();
    },
  };

  function resetFullest(): void {
    let fullest: MuxStream | undefined;
    for (const stream of streams.values()) {
      if (!fullest || stream.unread > fullest.unread) fullest = stream;
    }
    fullest?.destroy(
      new FleetError("resource_exhausted", "The stream was reset because its reader fell too far behind."),
    );
  }

  function add(id: number, header: StreamHeader, window: number): MuxStream {
    const stream = new MuxStream(link, id, header, window);
    streams.set(id, stream);
    return stream;
  }

  return {
    addOwn(header, window) {
      const id = lastOwnId + 2;
      if (id > MAX_STREAM_ID) {
        throw new FleetError("unavailable", "The tunnel has run out of stream numbers. Open another one.");
      }
      const stream = add(id, header, window);
      lastOwnId = id;
      return stream;
    },
    takePeerId(id) {
      if (isOwn(id) || id <= lastPeerId) return false;
      lastPeerId = id;
      return true;
    },
    addPeer(id, header, window) {
      peerSize++;
      return add(id, header, window);
    },
    get: (id) => streams.get(id),
    wasOpened: (id) => id !== 0 && id <= (isOwn(id) ? lastOwnId : lastPeerId),
    get size() {
      return streams.size;
    },
    get peerSize() {
      return peerSize;
    },
    [Symbol.iterator]: () => streams.values(),
  };
}
