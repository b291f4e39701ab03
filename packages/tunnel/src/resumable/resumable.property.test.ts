import type { Duplex } from "node:stream";
import { systemClock } from "@fleet/base";
import fc from "fast-check";
import { createResumableServer, openResumable } from "./index.js";
import { bytesOf, createNetwork, type Direction, type Fate } from "./testing/network.js";

/** Waits are over in the next turn; the property is about bytes, not about time. */
const clock = { ...systemClock, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };

const LIMITS = { frameBytes: 64, windowBytes: 4096, ackDelayMs: 1 };

/** What each side says, in pieces, and who ends first. The other one says the rest when it has heard that end. */
type Transcript = {
  client: readonly Buffer[];
  server: readonly Buffer[];
  rest: readonly Buffer[];
  first: End;
};
type End = "client" | "server";

async function speak(stream: Duplex, end: End, { first, rest, ...said }: Transcript): Promise<Buffer> {
  const hearing = bytesOf(stream);
  for (const piece of said[end]) stream.write(piece);
  if (first === end) stream.end();
  const heard = await hearing;
  if (first !== end) {
    for (const piece of rest) stream.write(piece);
    stream.end();
  }
  return heard;
}

/** All that an end says. */
function wordsOf(end: End, { first, rest, ...said }: Transcript): Buffer {
  return Buffer.concat(first === end ? said[end] : [...said[end], ...rest]);
}

/** Plays the transcript over connections with these fates and compares what each end heard. Returns how many it took. */
async function play(transcript: Transcript, fates: Fate[]): Promise<number> {
  const heard = Promise.withResolvers<Buffer>();
  const server = createResumableServer({
    onStream: (stream) => speak(stream, "server", transcript).then(heard.resolve, heard.reject),
    limits: LIMITS,
  });
  const network = createNetwork(server, fates);
  const { stream, resumable } = await openResumable({
    connect: (signal) => network.connect(signal),
    clock,
    limits: LIMITS,
  });
  expect(resumable).toBe(true);
  const answered = await speak(stream, "client", transcript);
  expect((await heard.promise).equals(wordsOf("client", transcript))).toBe(true);
  expect(answered.equals(wordsOf("server", transcript))).toBe(true);
  if (!stream.closed) await new Promise((resolve) => stream.once("close", resolve));
  return network.connections;
}

const SHORT = {
  client: [Buffer.from("GET /"), Buffer.from("index.html"), Buffer.alloc(90, "client ")],
  server: [Buffer.from("hello"), Buffer.from("!")],
  rest: [Buffer.alloc(100, "rest "), Buffer.from("bye")],
};

test.each<[Direction, End]>([
  ["up", "client"],
  ["up", "server"],
  ["down", "client"],
  ["down", "server"],
])(
  "a connection cut at every byte that goes %s, where the %s ends first, loses and doubles nothing",
  async (direction, first) => {
    const transcript = { ...SHORT, first };
    const greetingBytes = direction === "down" ? "coder-resumable/1\r\n".length : 0;
    let cuts = 0;
    for (let bytes = 0; ; bytes++) {
      if (direction === "down" && bytes < greetingBytes) {
        // The first connection is not sought again: whoever asked for it hears at once that it failed.
        await expect(play(transcript, [{ direction, bytes }])).rejects.toMatchObject({ code: "unavailable" });
        continue;
      }
      if ((await play(transcript, [{ direction, bytes }])) === 1) break;
      cuts++;
    }
    expect(cuts).toBeGreaterThan(40);
  },
);

test("over connections that break at any point, both ends receive every byte once", async () => {
  const piece = fc.uint8Array({ maxLength: 700 }).map((bytes) => Buffer.from(bytes));
  const pieces = fc.array(piece, { maxLength: 20 });
  const fate = fc.record({
    direction: fc.constantFrom<Direction>("up", "down"),
    bytes: fc.integer({ min: 19, max: 6000 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        client: pieces,
        server: pieces,
        rest: pieces,
        first: fc.constantFrom<End>("client", "server"),
      }),
      fc.array(fate, { maxLength: 12 }),
      async (transcript, fates) => {
        await play(transcript, fates);
      },
    ),
    { numRuns: 150 },
  );
});
