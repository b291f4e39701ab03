import { once } from "node:events";
import { type Duplex, duplexPair } from "node:stream";
import { text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import { FleetError } from "@fleet/base";
import { createFakeClock, type FakeClock, waitFor } from "@fleet/testkit";
import { allocateFrame, encodeHello, FRAME, GREETING } from "./frame.js";
import {
  createResumableServer,
  openResumable,
  type ResumableLimits,
  type ResumableOptions,
  type ResumableServer,
} from "./index.js";
import { bytesOf, createNetwork, type Network } from "./testing/network.js";

const HOURS = 60 * 60 * 1000;

type Fixture = {
  clock: FakeClock;
  server: ResumableServer;
  network: Network;
  /** The far end of each stream, in order. */
  served: Duplex[];
  open(options?: Partial<ResumableOptions>): Promise<Duplex>;
};

function createFixture(limits: Partial<ResumableLimits> = {}): Fixture {
  const clock = createFakeClock();
  const served: Duplex[] = [];
  const server = createResumableServer({ onStream: (stream) => served.push(stream), clock, limits });
  const network = createNetwork({ accept: (transport) => self.server.accept(transport) });
  const self: Fixture = {
    clock,
    server,
    network,
    served,
    async open(options = {}) {
      const connect = (signal: AbortSignal) => network.connect(signal);
      const { resumable, stream } = await openResumable({ connect, clock, limits, ...options });
      expect(resumable).toBe(true);
      return stream;
    },
  };
  return self;
}

/** Lets what is under way arrive, without time passing. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await turn();
}

const errorOf = (stream: Duplex) => once(stream, "error").then(([error]) => error as FleetError);

test("each direction ends independently, before and after the connection is replaced", async () => {
  const { clock, network, served, open } = createFixture();
  const stream = await open();
  stream.end("request");
  expect(await text(served[0]!)).toBe("request");
  network.cut();
  await settle();
  served[0]!.write("first, ");
  await clock.advance(100);
  served[0]!.end("last");
  expect(await text(stream)).toBe("first, last");
  expect(network.connections).toBe(2);
});

test("the user is told of a lost connection and of its recovery", async () => {
  const { clock, network, open } = createFixture();
  const told: string[] = [];
  await open({ onLost: (reason) => told.push(reason), onResumed: () => told.push("resumed") });
  network.cut();
  await settle();
  await clock.advance(100);
  await settle();
  expect(told).toEqual(["The connection was closed.", "resumed"]);
});

test("a black-holed connection is detected within 20 seconds, at both ends", async () => {
  const { clock, network, served, open, server } = createFixture();
  const lost: string[] = [];
  const stream = await open({ onLost: (reason) => lost.push(reason) });
  network.swallow();
  network.up = false;
  stream.write("typed into the void");
  await clock.advance(20_000);
  expect(lost).toEqual(["Nothing received for 15 seconds."]);
  expect(server.stats().detached).toBe(1);
  network.up = true;
  await clock.advance(10_000);
  await settle();
  expect(String(served[0]!.read())).toBe("typed into the void");
});

test("an idle connection stays open, because both ends ping", async () => {
  const { clock, network, open } = createFixture();
  await open();
  for (let minute = 0; minute < 10; minute++) {
    for (let step = 0; step < 30; step++) {
      await clock.advance(2_000);
      await settle();
    }
  }
  expect(network.connections).toBe(1);
});

test("a stalled reader stops its writer within the window, connected or not", async () => {
  const windowBytes = 256 * 1024;
  const { clock, network, served, open, server } = createFixture({ windowBytes });
  const stream = await open();
  const piece = Buffer.alloc(16 * 1024, "x");
  let written = 0;
  for (; written < 10 * windowBytes && stream.write(piece); written += piece.length) await turn();
  expect(written).toBeLessThan(windowBytes + stream.writableHighWaterMark + piece.length);
  network.cut();
  await settle();
  expect(server.stats().heldBytes).toBeLessThanOrEqual(windowBytes);
  let produced = 0;
  for (; produced < 10 * windowBytes && served[0]!.write(piece); produced += piece.length) await turn();
  expect(server.stats().heldBytes).toBeLessThanOrEqual(2 * windowBytes + piece.length);
  await clock.advance(1_000);
  stream.end();
  served[0]!.end();
  const [up, down] = await Promise.all([bytesOf(served[0]!), bytesOf(stream)]);
  expect(up.length).toBe(written + piece.length);
  expect(down.length).toBe(produced + piece.length);
});

test("an ended direction is not ended again over the next connection", async () => {
  const { clock, network, served, open } = createFixture();
  const stream = await open();
  stream.end("unread for now");
  await settle();
  network.cut();
  await settle();
  for (let second = 0; second < 5; second++) {
    await clock.advance(1_000);
    await settle();
  }
  expect(network.connections).toBe(2);
  expect(await text(served[0]!)).toBe("unread for now");
});

test("a writer respects the peer's window, and one that does not is disconnected", async () => {
  const fixture = createFixture({ windowBytes: 64 * 1024 });
  const stream = await fixture.open({ limits: {} });
  stream.end(Buffer.alloc(1024 * 1024));
  await settle();
  expect(fixture.network.connections).toBe(1);
  expect((await bytesOf(fixture.served[0]!)).length).toBe(1024 * 1024);

  const [near, far] = duplexPair() as [Duplex, Duplex];
  fixture.server.accept(far);
  near.resume();
  const credential = { id: Buffer.alloc(16, 1), secret: Buffer.alloc(32, 2) };
  near.write(encodeHello({ credential, begin: true, received: 0, window: 1024 }));
  const frame = allocateFrame(FRAME.data, 65 * 1024);
  near.write(frame);
  await once(far, "close");
});

test("an agent restart ends the session with a clear error", async () => {
  const fixture = createFixture();
  const stream = await fixture.open();
  const error = errorOf(stream);
  fixture.server = createResumableServer({ onStream() {}, clock: fixture.clock });
  fixture.network.cut();
  await settle();
  await fixture.clock.advance(100);
  expect(await error).toMatchObject({ code: "not_found", message: expect.stringContaining("restarted") });
});

test("72 hours without a connection end the session on both ends", async () => {
  const { clock, network, served, server, open } = createFixture();
  const stream = await open({ random: () => 0 });
  const [near, far] = [errorOf(stream), errorOf(served[0]!)];
  network.cut();
  network.up = false;
  await settle();
  await clock.advance(71 * HOURS);
  expect([stream.destroyed, served[0]!.destroyed]).toEqual([false, false]);
  await clock.advance(1.1 * HOURS);
  expect(await near).toMatchObject({ code: "deadline_exceeded", message: expect.stringContaining("for 3d") });
  expect(await far).toMatchObject({ code: "deadline_exceeded" });
  await clock.advance(HOURS);
  expect(server.stats()).toEqual({ streams: 0, detached: 0, heldBytes: 0 });
});

test("a rejection ends the session; an outage does not", async () => {
  const { clock, network, open } = createFixture();
  let answer: FleetError | undefined;
  const stream = await open({
    connect: (signal) => (answer ? Promise.reject(answer) : network.connect(signal)),
  });
  const error = errorOf(stream);
  answer = new FleetError("unavailable", "The proxy restarts.");
  network.cut();
  await settle();
  await clock.advance(60_000);
  expect(stream.destroyed).toBe(false);
  answer = new FleetError("unauthenticated", "You are signed out.");
  await clock.advance(10_000);
  expect(await error).toMatchObject({ code: "unauthenticated" });
});

/** A client of the wire that says hello and tells the first frame that it is answered with. */
async function sayHello(server: ResumableServer, hello: Buffer): Promise<number> {
  const [near, far] = duplexPair() as [Duplex, Duplex];
  server.accept(far);
  near.write(hello);
  const answer = await waitFor(() => near.read() as Buffer | null, { what: "an answer" });
  expect(answer.subarray(0, GREETING.length)).toEqual(GREETING);
  const frame = answer.length > GREETING.length ? answer.subarray(GREETING.length) : await nextChunk(near);
  return frame[0]!;
}

async function nextChunk(stream: Duplex): Promise<Buffer> {
  return waitFor(() => stream.read() as Buffer | null, { what: "the next frame" });
}

test("a session can be resumed only with its secret, and a wrong one reveals nothing", async () => {
  const { server, served, open } = createFixture();
  let bytes = 0;
  await open({ randomBytes: (length) => Buffer.alloc(length, ++bytes) });
  const id = Buffer.alloc(16, 1);
  const position = { received: 0, window: 1024 };
  const thief = { credential: { id, secret: Buffer.alloc(32, 9) }, begin: false, ...position };
  expect(await sayHello(server, encodeHello(thief))).toBe(FRAME.reset);
  expect(await sayHello(server, encodeHello({ ...thief, begin: true }))).toBe(FRAME.reset);
  expect(served).toHaveLength(1);
  expect(served[0]!.destroyed).toBe(false);
  const owner = { ...thief, credential: { id, secret: Buffer.alloc(32, 2) } };
  expect(await sayHello(server, encodeHello(owner))).toBe(FRAME.welcome);
});

test("a replaced connection is ignored", async () => {
  const { clock, network, served, server, open } = createFixture();
  const stream = await open();
  const data: string[] = [];
  served[0]!.on("data", (chunk) => data.push(String(chunk)));
  stream.write("one ");
  await settle();
  network.swallow(); // for the server, the first connection is still there
  await clock.advance(20_000);
  stream.write("two");
  await clock.advance(1_000);
  expect(data.join("")).toBe("one two");
  expect(server.stats()).toMatchObject({ streams: 1, detached: 0 });
});

test("data from a replaced connection is ignored", async () => {
  const { server, served } = createFixture();
  const credential = { id: Buffer.alloc(16, 1), secret: Buffer.alloc(32, 2) };
  const connect = (begin: boolean) => {
    const [near, far] = duplexPair() as [Duplex, Duplex];
    server.accept(far);
    near.resume();
    near.write(encodeHello({ credential, begin, received: 0, window: 1024 }));
    return near;
  };
  const data = (words: string) => {
    const frame = allocateFrame(FRAME.data, words.length);
    frame.write(words, 4);
    return frame;
  };
  const first = connect(true);
  first.write(data("one "));
  await settle();
  const second = connect(false);
  await settle();
  first.write(data("late "));
  await settle();
  second.write(data("two"));
  await settle();
  expect(String(served[0]!.read())).toBe("one two");
});

test("a request for discarded bytes fails instead of returning others", async () => {
  const { server, served, open } = createFixture();
  let bytes = 0;
  const stream = await open({ randomBytes: (length) => Buffer.alloc(length, ++bytes) });
  const error = errorOf(served[0]!);
  const credential = { id: Buffer.alloc(16, 1), secret: Buffer.alloc(32, 2) };
  const ahead = encodeHello({ credential, begin: false, received: 5, window: 1024 });
  expect(await sayHello(server, ahead)).toBe(FRAME.reset);
  expect(await error).toMatchObject({ code: "failed_precondition" });
  stream.destroy();
});

test("a client announces its end, reconnecting if necessary", async () => {
  const { clock, network, served, open } = createFixture();
  const first = await open();
  const told = errorOf(served[0]!);
  first.destroy();
  expect(await told).toMatchObject({ code: "canceled" });

  const second = await open();
  const toldLater = errorOf(served[1]!);
  network.cut();
  await settle();
  second.destroy(new FleetError("canceled", "The user left."));
  await clock.advance(100);
  expect(await toldLater).toMatchObject({ code: "canceled", message: "The user left." });
});

test("a server that closes tells each client why", async () => {
  const { server, open } = createFixture();
  const stream = await open();
  const error = errorOf(stream);
  await server.close(new FleetError("unavailable", "The workspace stops."));
  expect(await error).toMatchObject({ message: "The workspace stops." });
  await expect(open()).rejects.toMatchObject({ message: "The workspace stops." });
});

test("disconnected clients are limited; the longest disconnected is dropped first", async () => {
  const { clock, served, server, network, open } = createFixture({
    detachedStreams: 2,
    detachedBytes: 100_000,
    streams: 4,
  });
  for (let index = 0; index < 3; index++) {
    await open({
      connect: (signal) => (index < network.connections ? Promise.reject(down()) : network.connect(signal)),
    });
    network.cut();
    await settle();
    await clock.advance(1_000);
  }
  expect(served.map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
  served[2]!.write(Buffer.alloc(90_000));
  served[1]!.write(Buffer.alloc(20_000));
  await settle();
  expect(served.map(({ destroyed }) => destroyed)).toEqual([true, true, false]);
  expect(server.stats()).toMatchObject({ detached: 1, heldBytes: 90_000 });
});

const down = () => new FleetError("unavailable", "Down.");

test("the number of streams is limited, including remembered ended ones", async () => {
  const { open, served } = createFixture({ streams: 2 });
  await open();
  const second = await open();
  await expect(open()).rejects.toMatchObject({ code: "resource_exhausted" });
  second.destroy();
  await errorOf(served[1]!);
  await open();
  await expect(open()).rejects.toMatchObject({ code: "resource_exhausted" });
});

test("a server without resumable streams is reached directly, without losing a byte", async () => {
  const clock = createFakeClock();
  const [near, far] = duplexPair() as [Duplex, Duplex];
  far.write("SSH-2.0-");
  const opening = openResumable({ connect: async () => near, clock });
  await settle();
  far.end("OpenSSH\r\n");
  const { resumable, stream } = await opening;
  expect(resumable).toBe(false);
  expect(await text(stream)).toBe("SSH-2.0-OpenSSH\r\n");
});

test("garbage from a client is rejected and throws nothing", async () => {
  const { server, served } = createFixture();
  for (const bytes of [
    [1, 0, 0, 5, 1],
    [3, 0, 0, 1, 7],
    [255, 255, 255, 255],
    [7, 0, 0, 0, 2, 0, 0, 10],
  ]) {
    const [near, far] = duplexPair() as [Duplex, Duplex];
    server.accept(far);
    near.resume();
    near.write(Buffer.from([...bytes, ...Array(20).fill(0)]));
    if (!far.closed) await once(far, "close");
  }
  expect(served).toHaveLength(0);
});
