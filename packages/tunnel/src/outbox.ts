import type { Duplex } from "node:stream";
import { FRAME, FRAME_HEADER_BYTES, writeFrameHeader } from "./frame.js";
import type { TunnelLimits } from "./limits.js";
import { Stage } from "./stage.js";

/** Payloads below this size are copied behind their header: one buffer costs the transport less than two. */
const COPY_BYTES = 4096;

export type FrameSink = {
  /** A data frame whose payload is these chunks, `length` bytes in all. */
  data(stream: number, chunks: readonly Buffer[], length: number): void;
  fin(stream: number): void;
};

/** A stream with data to send. */
export type FrameSource = {
  /** Writes at most one data frame; true if it could write another. */
  writeFrame(sink: FrameSink): boolean;
};

export type Outbox = {
  /** Sends a control frame ahead of all data. */
  control(frame: Buffer): void;
  /** Gives the source turns until it has nothing left to send. */
  ready(source: FrameSource): void;
  forget(source: FrameSource): void;
  /** Bytes handed to the transport. */
  readonly bytes: number;
  /** Sends the queued control frames even under backpressure, and nothing afterwards. */
  finish(): void;
};

export type OutboxOptions = {
  transport: Duplex;
  limits: Pick<TunnelLimits, "transportBuffer" | "controlQueue">;
  /** Called when the peer causes more control frames than it reads. */
  onOverflow(): void;
};

/**
 * Puts frames on the transport: control frames first, then one data frame for each ready stream in turn. It writes
 * once per turn of the event loop, so that whatever happened in one turn leaves in one system call, and holds back
 * while the transport has `transportBuffer` bytes to send.
 */
export function createOutbox({ transport, limits, onOverflow }: OutboxOptions): Outbox {
  const sources = new Set<FrameSource>();
  let control: Buffer[] = [];
  let controlBytes = 0;
  let bytes = 0;
  const stage = new Stage();
  let scheduled = false;
  let flushing = false;
  let blocked = false;
  let finished = false;

  function write(chunk: Buffer): void {
    bytes += chunk.length;
    const room = transport.write(chunk);
    blocked = !room && transport.writableLength >= limits.transportBuffer;
  }

  function writeStage(): void {
    const chunk = stage.take();
    if (chunk) write(chunk);
  }

  const sink: FrameSink = {
    data(stream, chunks, length) {
      const copied = length < COPY_BYTES;
      let at = stage.reserve(FRAME_HEADER_BYTES + (copied ? length : 0), write);
      writeFrameHeader(stage.memory, at, FRAME.data, stream, length);
      at += FRAME_HEADER_BYTES;
      if (copied) {
        for (const chunk of chunks) at += chunk.copy(stage.memory, at);
        return;
      }
      writeStage();
      for (const chunk of chunks) write(chunk);
    },
    fin(stream) {
      const at = stage.reserve(FRAME_HEADER_BYTES, write);
      writeFrameHeader(stage.memory, at, FRAME.fin, stream, 0);
    },
  };

  function writeControl(): void {
    if (control.length === 0) return;
    const frames = control;
    control = [];
    controlBytes = 0;
    for (const frame of frames) {
      const at = stage.reserve(frame.length, write);
      frame.copy(stage.memory, at);
    }
  }

  function flush(): void {
    scheduled = false;
    if (flushing || blocked || finished) return;
    flushing = true;
    transport.cork();
    try {
      writeControl();
      for (const source of sources) {
        if (blocked || finished) break;
        sources.delete(source);
        if (source.writeFrame(sink)) sources.add(source);
        writeControl();
      }
      writeStage();
    } finally {
      flushing = false;
      transport.uncork();
    }
    if (!blocked && (sources.size > 0 || control.length > 0)) schedule();
  }

  function schedule(): void {
    if (scheduled || blocked || finished) return;
    scheduled = true;
    setImmediate(flush);
  }

  transport.on("drain", () => {
    blocked = false;
    flush();
  });

  return {
    control(frame) {
      if (finished) return;
      control.push(frame);
      controlBytes += frame.length;
      if (controlBytes > limits.controlQueue) return onOverflow();
      schedule();
    },
    ready(source) {
      if (finished) return;
      sources.add(source);
      schedule();
    },
    forget(source) {
      sources.delete(source);
    },
    get bytes() {
      return bytes;
    },
    finish() {
      if (finished) return;
      finished = true;
      sources.clear();
      if (!transport.writable) return;
      writeControl();
      writeStage();
    },
  };
}
