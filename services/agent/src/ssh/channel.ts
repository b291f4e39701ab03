import type { Duplex, Writable } from "node:stream";
import type { ServerChannel } from "ssh2";

/** Internal fields of ssh2 that its types omit. */
type Internals = {
  _write: Writable["_write"];
  _chunk: Buffer | undefined;
  _chunkcb: (() => void) | undefined;
  _chunkErr: Buffer | undefined;
  _chunkcbErr: (() => void) | undefined;
  _waitWindow: boolean;
  outgoing: { window: number; state: "open" | "eof" | "closing" | "closed" };
  eof(): void;
  close(): void;
};

/**
 * Works around stalls of ssh2 1.17's channels. It never clears a chunk that waited for the window, so that a later
 * stall of stderr would resend that chunk of stdout; and if both wait, it resumes only one of them.
 */
export function mendStalls(channel: ServerChannel): ServerChannel {
  const inner = channel as unknown as Internals;
  const stderr = channel.stderr as unknown as Writable;
  const write = inner._write;
  const writeError = stderr._write;
  inner._write = (chunk, encoding, callback) => {
    inner._chunk = undefined;
    inner._chunkcb = undefined;
    write.call(channel, chunk, encoding, (error) => {
      callback(error);
      if (!inner._chunkErr) return;
      if (inner.outgoing.window === 0) inner._waitWindow = true;
      else stderr._write(inner._chunkErr, "binary", inner._chunkcbErr!);
    });
  };
  stderr._write = (chunk, encoding, callback) => {
    inner._chunkErr = undefined;
    inner._chunkcbErr = undefined;
    writeError.call(stderr, chunk, encoding, callback);
  };
  return channel;
}

/** Calls `onInput` for what the client sends. Unlike a listener for data, this neither reads nor starts the channel. */
export function watchInput(channel: ServerChannel, onInput: (bytes: number) => void): void {
  const { push } = channel;
  channel.push = (chunk, encoding) => {
    if (chunk !== null) onInput(chunk.length);
    return push.call(channel, chunk, encoding);
  };
}

/** Resolves when all written data was sent to the client, or the channel is closed. */
export async function flushed(channel: ServerChannel): Promise<void> {
  if ((channel as unknown as Internals).outgoing.state !== "open") return;
  const closed = new Promise<void>((resolve) => channel.once("close", resolve));
  const empty = (stream: Writable) =>
    new Promise<void>((resolve) => {
      if (stream.writableLength === 0) resolve();
      else stream.write(Buffer.alloc(0), () => resolve());
    });
  await Promise.race([closed, Promise.all([empty(channel), empty(channel.stderr as unknown as Writable)])]);
}

/**
 * Connects a channel and a socket with half-close: ssh2's server closes a channel on `end()`, which would discard what
 * the client still sends.
 */
export function joinChannel(channel: ServerChannel, socket: Duplex): void {
  mendStalls(channel);
  const inner = channel as unknown as Internals;
  let ends = 0;
  const ended = () => {
    if (++ends === 2) inner.close();
  };
  channel.pipe(socket);
  channel.on("end", ended);
  socket.pipe(channel, { end: false });
  socket.on("end", () => {
    void flushed(channel).then(() => {
      inner.eof();
      ended();
    });
  });
  channel.on("error", () => socket.destroy());
  channel.on("close", () => socket.destroy());
  socket.on("error", () => inner.close());
  socket.on("close", () => {
    channel.resume();
    if (!socket.readableEnded) inner.close();
  });
}
