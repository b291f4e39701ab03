import type { Duplex } from "node:stream";
import { systemClock } from "@fleet/base";
import fc from "fast-check";
import { createResumableServer, openResumable } from "./index.js";
import { bytesOf, createNetwork, type Direction, type Fate } from "./testing/network.js";

/** Waits are over in the next turn; the property is about bytes, not about time. */
const clock = { ...systemClock, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };

const LIMITS = { frameBytes: 64, windowBytes: 4096, ackBytes: 256, ackDelayMs: 1 };

/** What each side says, in pieces; the server says its second half when the client has ended. */
type Transcript = { client: readonly Buffer[]; greeting: readonly Buffer[]; answer: readonly Buffer[] };

async function serve(stream: Duplex, { greeting, answer }: Transcript): Promise<Buffer> {
  for (const piece of greeting) stream.write(piece);
  const heard = await bytesOf(stream);
  for (const piece of answer) stream.write(piece);
  stream.end();
  return heard;
}

/** Plays the transcript over connections with these fates and compares what each end heard. Returns how many it took. */
async function play(transcript: Transcript, fates: Fate[]): Promise<number> {
  const heard = Promise.withResolvers<Buffer>();
  const server = createResumableServer({
    onStream: (stream) => serve(stream, transcript).then(heard.resolve, heard.reject),
    limits: LIMITS,
  });
  const network = createNetwork(server, fates);
  const { stream, resumable } = await openResumable({
    connect: (signal) => network.connect(signal),
    clock,
    limits: LIMITS,
  });
  expect(resumable).toBe(true);
  for (const piece of transcript.client) stream.write(piece);
  stream.end();
  const answered = await bytesOf(stream);
  expect((await heard.promise).equals(Buffer.concat(transcript.client))).toBe(true);
  expect(answered.equals(Buffer.concat([...transcript.greeting, ...transcript.answer]))).toBe(true);
  if (!stream.closed) await new Promise((resolve) => stream.once("close", resolve));
  return network.connections;
}

const SHORT: Transcript = {
  client: [Buffer.from("GET /"), Buffer.from("index.html"), Buffer.alloc(90, "client ")],
  greeting: [Buffer.from("hello"), Buffer.from("!")],
  answer: [Buffer.alloc(100, "answer "), Buffer.from("bye")],
};

test.each<Direction>(["up", "down"])(
  "a connection cut at every byte that goes %s loses and doubles nothing",
  async (direction) => {
    const greetingBytes = direction === "down" ? "coder-resumable/1\r\n".length : 0;
    let cuts = 0;
    for (let bytes = 0; ; bytes++) {
      if (direction === "down" && bytes < greetingBytes) {
        // The first connection is not sought again: whoever asked for it hears at once that it failed.
        await expect(play(SHORT, [{ direction, bytes }])).rejects.toMatchObject({ code: "unavailable" });
        continue;
      }
      if ((await play(SHORT, [{ direction, bytes }])) === 1) break;
      cuts++;
    }
    expect(cuts).toBeGreaterThan(150);
  },
);

test("whatever is said, over connections that break anywhere again and again, both ends hear all of it once", async () => {
  const piece = fc.uint8Array({ maxLength: 700 }).map((bytes) => Buffer.from(bytes));
  const pieces = fc.array(piece, { maxLength: 20 });
  const fate = fc.record({
    direction: fc.constantFrom<Direction>("up", "down"),
    bytes: fc.integer({ min: 19, max: 6000 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.record({ client: pieces, greeting: pieces, answer: pieces }),
      fc.array(fate, { maxLength: 12 }),
      async (transcript, fates) => {
        await play(transcript, fates);
      },
    ),
    { numRuns: 150 },
  );
});
