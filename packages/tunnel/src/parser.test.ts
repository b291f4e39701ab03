import fc from "fast-check";
import { encodeFrame, FRAME, type FrameType, PAYLOAD_BYTES, writeFrameHeader } from "./frame.js";
import { createFrameParser } from "./parser.js";

type Frame = { type: FrameType; stream: number; payload: Buffer };

/** Parses the chunks; pieces of a data frame are joined when they follow each other on one stream. */
function parse(chunks: Iterable<Buffer>): { frames: Frame[]; malformed: string[] } {
  const frames: Frame[] = [];
  const malformed: string[] = [];
  const parser = createFrameParser({
    onFrame: (type, stream, payload) => frames.push({ type, stream, payload: Buffer.from(payload) }),
    onData(stream, piece) {
      const last = frames.at(-1);
      if (last?.type === FRAME.data && last.stream === stream)
        last.payload = Buffer.concat([last.payload, piece]);
      else frames.push({ type: FRAME.data, stream, payload: Buffer.from(piece) });
    },
    onMalformed: (reason) => malformed.push(reason),
  });
  for (const chunk of chunks) parser.push(chunk);
  return { frames, malformed };
}

const frames = fc.array(
  fc
    .record({
      type: fc.constantFrom(...Object.values(FRAME)),
      stream: fc.integer({ min: 0, max: 0xffff_ffff }),
      seed: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    })
    .map(({ type, stream, seed }): Frame => {
      const [least, most] = PAYLOAD_BYTES[type]!;
      const length = Math.min(most, Math.max(least, seed.length));
      return { type, stream, payload: Buffer.alloc(length, seed) };
    }),
  { maxLength: 20 },
);

function* cut(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

test("frames round-trip, however the bytes are split", () => {
  fc.assert(
    fc.property(
      frames,
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
      (sent, sizes) => {
        const bytes = Buffer.concat(
          sent.map(({ type, stream, payload }) => encodeFrame(type, stream, payload)),
        );
        const whole = parse([bytes]);
        expect(whole.malformed).toEqual([]);
        expect(parse(cut(bytes, sizes))).toEqual(whole);
        const others = (list: Frame[]) => list.filter(({ type }) => type !== FRAME.data);
        expect(others(whole.frames)).toEqual(others(sent));
        const data = (list: Frame[]) =>
          Buffer.concat(list.filter(({ type }) => type === FRAME.data).map((f) => f.payload));
        expect(data(whole.frames)).toEqual(data(sent));
      },
    ),
  );
});

test("garbage is reported at most once and never throws", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 64 })), (chunks) => {
      const { malformed } = parse(chunks.map((chunk) => Buffer.from(chunk)));
      expect(malformed.length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["an unknown type", 200 as FrameType, 0, "unknown type 200"],
  ["an empty data frame", FRAME.data, 0, "type 3 with 0 bytes"],
  ["a data frame above 64 KiB", FRAME.data, 64 * 1024 + 1, "type 3 with 65537 bytes"],
  ["a window frame of 5 bytes", FRAME.window, 5, "type 4 with 5 bytes"],
  ["an open frame of 16 MB", FRAME.open, 0xffffff, "type 1 with 16777215 bytes"],
])("%s is rejected by its header alone, and ends the parsing", (_name, type, length, reason) => {
  const header = Buffer.alloc(8);
  writeFrameHeader(header, 0, type, 1, length);
  const { frames, malformed } = parse([header, encodeFrame(FRAME.accept, 1)]);
  expect(frames).toEqual([]);
  expect(malformed).toEqual([expect.stringContaining(reason)]);
});
