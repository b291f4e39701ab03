import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { encodeFrame, FRAME, type FrameType } from "./frame.js";
import { createOutbox, type FrameSource } from "./outbox.js";
import { createFrameParser } from "./parser.js";

type Seen = { type: FrameType; stream: number; bytes: number };

/** A transport that records frames, and each write's callback until the test lets it go on. */
function recorder({ stalled = false } = {}) {
  const seen: Seen[] = [];
  const parser = createFrameParser({
    onFrame: (type, stream, payload) => seen.push({ type, stream, bytes: payload.length }),
    onData(stream, piece) {
      seen.push({ type: FRAME.data, stream, bytes: piece.length });
    },
    onMalformed: (reason) => {
      throw new Error(reason);
    },
  });
  let writes = 0;
  let held: (() => void) | undefined;
  const sinkTransport = new Duplex({
    read() {},
    writev(items, callback) {
      writes++;
      for (const { chunk } of items) parser.push(chunk as Buffer);
      if (stalled) held = callback;
      else callback();
    },
  });
  return { transport: sinkTransport, seen, writes: () => writes, release: () => held?.() };
}

/** A source with that many frames of 64 KiB to send. */
function bulk(stream: number, frames: number): FrameSource {
  let left = frames;
  return {
    writeFrame(sink) {
      sink.data(stream, [Buffer.alloc(64 * 1024)], 64 * 1024);
      left--;
      return left > 0;
    },
  };
}

const limits = { transportBuffer: 256 * 1024, controlQueue: 1024 };
const onOverflow = () => {};

test("control frames precede all data, and streams take turns", async () => {
  const { transport, seen, writes } = recorder();
  const outbox = createOutbox({ transport, limits, onOverflow });
  outbox.ready(bulk(1, 2));
  outbox.ready(bulk(3, 1));
  outbox.control(encodeFrame(FRAME.ping, 0, Buffer.alloc(8)));
  await turn();
  expect(seen.map(({ type, stream }) => [type, stream])).toEqual([
    [FRAME.ping, 0],
    [FRAME.data, 1],
    [FRAME.data, 3],
    [FRAME.data, 1],
  ]);
  expect(writes()).toBe(1);
});

test("a control frame queued between two data frames is sent between them, and a removed stream sends nothing", async () => {
  const { transport, seen } = recorder();
  const outbox = createOutbox({ transport, limits, onOverflow });
  const forgotten = bulk(5, 1);
  const rude = bulk(1, 2);
  outbox.ready({
    writeFrame(sink) {
      outbox.control(encodeFrame(FRAME.rst, 1, Buffer.from([1])));
      return rude.writeFrame(sink);
    },
  });
  outbox.ready(bulk(3, 1));
  outbox.ready(forgotten);
  outbox.forget(forgotten);
  await turn();
  expect(seen.slice(0, 3).map(({ type, stream }) => [type, stream])).toEqual([
    [FRAME.data, 1],
    [FRAME.rst, 1],
    [FRAME.data, 3],
  ]);
  expect(seen.filter(({ stream }) => stream === 5)).toEqual([]);
});

test("small frames of one event loop turn are sent in one write", async () => {
  const { transport, writes, seen } = recorder();
  const outbox = createOutbox({ transport, limits, onOverflow });
  for (let id = 1; id < 40; id += 2) outbox.control(encodeFrame(FRAME.accept, id));
  outbox.ready({
    writeFrame(sink) {
      sink.data(1, [Buffer.from("a"), Buffer.from("b")], 2);
      sink.fin(1);
      return false;
    },
  });
  await turn();
  expect(writes()).toBe(1);
  expect(seen.length).toBe(22);
});

test("a stalled transport buffers no more than its limit, and control frames overtake queued data", async () => {
  const { transport, seen, release } = recorder({ stalled: true });
  const outbox = createOutbox({ transport, limits, onOverflow });
  outbox.ready(bulk(1, 100));
  await turn();
  expect(outbox.bytes).toBeLessThanOrEqual(limits.transportBuffer + 64 * 1024 + 8);
  const before = seen.length;
  outbox.control(encodeFrame(FRAME.rst, 1, Buffer.from([1])));
  await turn();
  expect(seen.length).toBe(before);
  release();
  await turn();
  await turn();
  expect(seen[before]).toMatchObject({ type: FRAME.rst });
});

test("a peer that reads nothing cannot make control frames pile up", async () => {
  const { transport } = recorder({ stalled: true });
  let overflowed = 0;
  const outbox = createOutbox({ transport, limits, onOverflow: () => overflowed++ });
  outbox.ready(bulk(1, 100));
  await turn();
  for (let count = 0; count < 100; count++) outbox.control(encodeFrame(FRAME.pong, 0, Buffer.alloc(8)));
  expect(overflowed).toBeGreaterThan(0);
});
