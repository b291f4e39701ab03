import type { Duplex } from "node:stream";
import type { Clock } from "@fleet/base";
import { allocateFrame, FRAME, FRAME_HEADER_BYTES, type FrameType } from "./frame.js";
import type { ResumableLimits } from "./limits.js";
import { createFrameParser } from "./parser.js";

/** Payloads below this size are copied behind their header: one buffer costs a connection less than two. */
const COPY_BYTES = 4096;

/** Receives what arrives: first the handshake, then the stream. Both methods return a description of any error. */
export type ConnectionHandler = {
  onFrame(type: FrameType, payload: Buffer): string | undefined;
  onData(piece: Buffer): string | undefined;
  /** There is room again. */
  onDrain(): void;
  /** The connection broke; nothing else arrives. Not called after `end`. */
  onLost(reason: string): void;
};

/** One of the connections that carry a stream, one after another. */
export type Connection = {
  handler: ConnectionHandler;
  /** True while the wire accepts no more data. Control frames may still be sent. */
  readonly blocked: boolean;
  send(frame: Buffer): void;
  data(chunks: readonly Buffer[]): void;
  /** Flushes and closes; resolves when done, within a grace period. */
  end(): Promise<void>;
};

export type ConnectionOptions = {
  transport: Duplex;
  handler: ConnectionHandler;
  clock: Clock;
  limits: ResumableLimits;
};

/** Frames and keepalive on a transport that it owns from here on. */
export function createConnection(options: ConnectionOptions): Connection {
  const { transport, clock, limits } = options;
  let heardAt = clock.now().getTime();
  let blocked = false;
  let over = false;
  let gathering = false;

  const parser = createFrameParser({
    onFrame(type, payload) {
      if (type === FRAME.pong) return;
      if (type !== FRAME.ping) return lostIf(self.handler.onFrame(type, payload));
      // If the wire is full, the data in flight shows the peer that this end is alive.
      if (!blocked) send(allocateFrame(FRAME.pong, 0));
    },
    onData: (piece) => lostIf(self.handler.onData(piece)),
    onMalformed: () => lost("The other end sent an invalid frame."),
  });

  function lostIf(problem: string | undefined): void {
    if (problem) lost(problem);
  }

  function stop(): void {
    over = true;
    parser.stop();
    keepalive.cancel();
  }

  function lost(reason: string): void {
    if (over) return;
    stop();
    transport.destroy();
    self.handler.onLost(reason);
  }

  // By the wall clock, which goes on while the machine sleeps: what was missed meanwhile is noticed at the first check.
  const keepalive = clock.every(limits.keepaliveMs, () => {
    const silentMs = clock.now().getTime() - heardAt;
    if (silentMs >= limits.deadAfterMs) lost(`Nothing received for ${Math.round(silentMs / 1000)} seconds.`);
    else if (silentMs >= limits.keepaliveMs && !blocked) send(allocateFrame(FRAME.ping, 0));
  });

  /** Everything sent in one turn is combined into one write. */
  function gather(): void {
    if (gathering) return;
    gathering = true;
    transport.cork();
    process.nextTick(() => {
      gathering = false;
      transport.uncork();
    });
  }

  function send(frame: Buffer): void {
    if (over || !transport.writable) return;
    gather();
    const room = transport.write(frame);
    blocked = !room && transport.writableLength >= limits.transportBytes;
  }

  transport.on("data", (chunk: Buffer) => {
    heardAt = clock.now().getTime();
    parser.push(chunk);
  });
  transport.on("drain", () => {
    blocked = false;
    if (!over) self.handler.onDrain();
  });
  transport.on("error", (error) => lost(`The connection broke: ${error.message}.`));
  transport.on("end", () => lost("The connection was closed."));
  transport.on("close", () => lost("The connection was closed."));
  if (transport.readableEnded || transport.destroyed) process.nextTick(lost, "The connection was closed.");

  const self: Connection = {
    handler: options.handler,
    get blocked() {
      return blocked;
    },
    send,
    data(chunks) {
      const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      if (bytes >= COPY_BYTES) {
        const header = allocateFrame(FRAME.data, 0);
        header.writeUIntBE(bytes, 1, 3);
        send(header);
        for (const chunk of chunks) send(chunk);
        return;
      }
      const frame = allocateFrame(FRAME.data, bytes);
      let at = FRAME_HEADER_BYTES;
      for (const chunk of chunks) at += chunk.copy(frame, at);
      send(frame);
    },
    end() {
      if (!over) stop();
      if (transport.closed) return Promise.resolve();
      return new Promise((resolve) => {
        const grace = clock.after(limits.closeGraceMs, () => transport.destroy());
        transport.once("close", () => {
          grace.cancel();
          resolve();
        });
        transport.end();
        transport.resume();
      });
    },
  };
  return self;
}
