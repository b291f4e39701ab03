import type { Duplex } from "node:stream";
import { type Clock, FleetError, formatDuration, systemClock, type Timer } from "@fleet/base";
import { type Connection, createConnection } from "./connection.js";
import {
  type Credential,
  decodeHello,
  disagreement,
  encodeAck,
  encodeReset,
  encodeWelcome,
  FRAME,
  GREETING,
  type Hello,
  isSameSecret,
} from "./frame.js";
import { DEFAULT_LIMITS, type ResumableLimits } from "./limits.js";
import { ResumableStream } from "./stream.js";

export type ResumableServerOptions = {
  /** A client started a stream. */
  onStream(stream: ServedStream): void;
  clock?: Clock;
  limits?: Partial<ResumableLimits>;
};

/**
 * A stream of a client. It is `connected` while its client is, and emits `carried` when another connection carries it
 * from now on: the one with the name `carrier`.
 */
export type ServedStream = Duplex & { readonly connected: boolean; readonly carrier: string };

export type ResumableServer = {
  /**
   * Accepts a connection, which either starts a stream or resumes one. Sends the greeting at once.
   * @param name what the stream's `carrier` is, while this connection carries it
   */
  accept(transport: Duplex, name?: string): void;
  /** Ends every stream with the error, and takes no further connections. Resolves when the clients have been told. */
  close(error: FleetError): Promise<void>;
  stats(): { streams: number; detached: number; heldBytes: number };
};

/** A stream, or how it ended: the frames that a client gets who missed it. */
type Entry = { credential: Credential; stream: ResumableStream; end?: readonly Buffer[]; expiry?: Timer };

const UNKNOWN =
  "The workspace agent does not know this session: the agent was restarted, or the session was closed.";

/** The server side of resumable streams: keeps those whose clients are disconnected, within limits. */
export function createResumableServer(options: ResumableServerOptions): ResumableServer {
  const { onStream, clock = systemClock } = options;
  const limits: ResumableLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const entries = new Map<string, Entry>();
  /** Those without a connection, the longest gone first. */
  const detached = new Set<Entry>();
  const handshakes = new Set<Connection>();
  let closed: FleetError | undefined;

  function begin(credential: Credential): Entry {
    const key = credential.id.toString("hex");
    const stream: ResumableStream = new ResumableStream({
      clock,
      limits,
      onLost: () => onDetached(entry),
      onGrown: keepBounds,
      onOver(reason) {
        onAttached(entry);
        const { received, window } = stream.position;
        entry.end = reason
          ? [encodeReset(reason)]
          : [encodeWelcome({ received, window }), encodeAck(received)];
        entry.expiry = clock.after(limits.rememberEndMs, () => entries.delete(key));
      },
    });
    const entry: Entry = { credential, stream };
    entries.set(key, entry);
    try {
      onStream(stream);
    } catch (cause) {
      stream.destroy(
        new FleetError("internal", "The workspace's agent failed to serve the session.", { cause }),
      );
    }
    return entry;
  }

  function onDetached(entry: Entry): void {
    detached.add(entry);
    entry.expiry = clock.after(limits.detachedMs, () =>
      giveUp(entry, `Its client was disconnected for ${formatDuration(limits.detachedMs)}.`),
    );
    keepBounds();
  }

  function onAttached(entry: Entry): void {
    detached.delete(entry);
    entry.expiry?.cancel();
  }

  function giveUp(entry: Entry, why: string): void {
    entry.stream.destroy(new FleetError("deadline_exceeded", `The session was closed. ${why}`));
  }

  function heldBytes(): number {
    return [...detached].reduce((sum, { stream }) => sum + stream.heldBytes, 0);
  }

  function keepBounds(): void {
    while (detached.size > limits.detachedStreams || heldBytes() > limits.detachedBytes) {
      const [longest] = detached;
      if (!longest) return;
      giveUp(longest, "Too many disconnected sessions.");
    }
  }

  /** Makes room for one more stream by forgetting ended ones. */
  function hasRoom(): boolean {
    if (entries.size < limits.streams) return true;
    for (const [key, { end, expiry }] of entries) {
      if (!end) continue;
      expiry?.cancel();
      entries.delete(key);
      return true;
    }
    return false;
  }

  /** The client's stream. Unknown and foreign streams get the same response, so that a client without proof learns nothing. */
  function find({ credential, begin: mayBegin }: Hello): Entry | FleetError {
    if (closed) return closed;
    const known = entries.get(credential.id.toString("hex"));
    if (known)
      return isSameSecret(known.credential, credential) ? known : new FleetError("not_found", UNKNOWN);
    if (!mayBegin) return new FleetError("not_found", UNKNOWN);
    if (hasRoom()) return begin(credential);
    return new FleetError(
      "resource_exhausted",
      `The workspace has ${limits.streams} open sessions, which is the limit. Close some, then try again.`,
    );
  }

  function onHello(connection: Connection, hello: Hello, name: string): void {
    const entry = find(hello);
    if (entry instanceof FleetError) answer(connection, [encodeReset(entry)]);
    else if (entry.end) answer(connection, entry.end);
    else carryOn(entry, connection, hello, name);
  }

  function carryOn(entry: Entry, connection: Connection, hello: Hello, name: string): void {
    const { stream } = entry;
    if (stream.agreesWith(hello)) {
      // In one turn: what the connection before still holds is dropped, and from now on only this one counts.
      connection.send(encodeWelcome(stream.position));
      stream.attach(connection, hello, name);
      onAttached(entry);
    } else {
      const error = disagreement();
      stream.destroy(error);
      answer(connection, [encodeReset(error)]);
    }
  }

  function answer(connection: Connection, frames: readonly Buffer[]): void {
    for (const frame of frames) connection.send(frame);
    void connection.end();
  }

  return {
    accept(transport, name = "") {
      transport.write(GREETING);
      const settle = () => {
        timer.cancel();
        handshakes.delete(connection);
      };
      const connection = createConnection({
        transport,
        clock,
        limits,
        handler: {
          onFrame(type, payload) {
            if (type !== FRAME.hello) return "The client did not complete the handshake.";
            settle();
            onHello(connection, decodeHello(payload), name);
            return undefined;
          },
          onData: () => "The client did not complete the handshake.",
          onDrain() {},
          onLost: settle,
        },
      });
      const timer = clock.after(limits.handshakeMs, () => {
        settle();
        void connection.end();
      });
      handshakes.add(connection);
    },
    async close(error) {
      closed = error;
      const living = [...entries.values()].filter(({ end }) => !end).map(({ stream }) => stream);
      const gone = living.map((stream) => new Promise((resolve) => stream.once("close", resolve)));
      for (const stream of living) stream.destroy(error);
      await Promise.all([...gone, ...[...handshakes].map((connection) => connection.end())]);
    },
    stats: () => ({ streams: entries.size, detached: detached.size, heldBytes: heldBytes() }),
  };
}
