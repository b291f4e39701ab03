import { type Duplex, duplexPair, PassThrough, Writable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import { setImmediate as turn } from "node:timers/promises";
import { FleetError } from "@fleet/base";
import { encodeFrame, encodeHello, FRAME } from "./frame.js";
import {
  createTunnel,
  gatherWrites,
  isReset,
  isTunnelClosed,
  type PendingStream,
  StreamReset,
} from "./index.js";
import { createManualClock } from "./testing/clock.js";
import { createLink } from "./testing/link.js";
import { createTunnelPair, echo, HEADER } from "./testing/pair.js";

const KIB = 1024;

/** Waits, turn by turn, until it is so. */
async function until(so: () => boolean): Promise<void> {
  for (let turns = 0; !so(); turns++) {
    if (turns > 10_000) throw new Error("It did not come to be.");
    await turn();
  }
}

describe("streams", () => {
  test("each has its header and both directions, with half-close", async () => {
    const headers: unknown[] = [];
    using pair = createTunnelPair(
      {},
      {
        onStream(pending) {
          headers.push(pending.header);
          const stream = pending.accept();
          void text(stream).then((all) => stream.end(`heard ${all}`));
        },
      },
    );
    const stream = await pair.client.open({ ...HEADER, meta: { user: "ana" } });
    stream.end("hello");
    expect(await text(stream)).toBe("heard hello");
    expect(headers).toEqual([{ kind: "tcp", target: "127.0.0.1:8080", meta: { user: "ana" } }]);
    await until(() => pair.client.stats().streams === 0 && pair.server.stats().streams === 0);
  });

  test("either end can open many at once", async () => {
    using pair = createTunnelPair({ onStream: echo }, { onStream: echo });
    const talk = async (opener: typeof pair.client, said: string) => {
      const stream = await opener.open(HEADER);
      stream.end(said);
      return text(stream);
    };
    const said = Array.from({ length: 100 }, (_, index) => `${index}`);
    expect(await Promise.all(said.map((one, i) => talk(i % 2 ? pair.client : pair.server, one)))).toEqual(
      said,
    );
  });

  test("data written before the peer accepts arrives, so a short exchange takes one round trip", async () => {
    const pendings: PendingStream[] = [];
    using pair = createTunnelPair({}, { onStream: (pending) => pendings.push(pending) });
    const stream = pair.client.openNow(HEADER);
    stream.end("early");
    await until(() => pendings.length === 1);
    expect(await text(pendings[0]!.accept())).toBe("early");
    await stream.accepted;
  });

  test("data larger than every window arrives complete, however it is read and written", async () => {
    using pair = createTunnelPair({}, { onStream: echo });
    const sent = Buffer.alloc(5_000_000, "0123456789abcdef-");
    const piped = pair.client.openNow(HEADER);
    piped.end(sent);
    const written = pair.client.openNow(HEADER);
    void (async () => {
      for (let at = 0; at < sent.length; at += 777) {
        if (!written.write(sent.subarray(at, at + 777))) await new Promise((go) => written.once("drain", go));
      }
      written.end();
    })();
    const iterated: Buffer[] = [];
    for await (const chunk of written) iterated.push(chunk);
    expect(Buffer.concat(iterated).equals(sent)).toBe(true);
    expect((await buffer(piped)).equals(sent)).toBe(true);
  });

  test("a refusal carries the peer's code and message", async () => {
    using pair = createTunnelPair(
      {},
      { onStream: (pending) => pending.refuse(new FleetError("not_found", "Nothing listens on port 8080.")) },
    );
    await expect(pair.client.open(HEADER)).rejects.toMatchObject({
      code: "not_found",
      message: "Nothing listens on port 8080.",
    });
    expect(pair.client.stats().streams).toBe(0);
  });

  test("without a handler, or if it throws, the stream is refused and the cause is not sent", async () => {
    const throws = () => {
      throw new Error("secret");
    };
    using none = createTunnelPair();
    await expect(none.client.open(HEADER)).rejects.toMatchObject({ code: "unimplemented" });
    using broken = createTunnelPair({}, { onStream: throws });
    const error: FleetError = await broken.client.open(HEADER).then(
      () => undefined!,
      (refusal) => refusal,
    );
    expect(error.code).toBe("internal");
    expect(error.message).not.toContain("secret");
  });

  test("an abort while opening closes the stream at both ends", async () => {
    const pendings: PendingStream[] = [];
    using pair = createTunnelPair({}, { onStream: (pending) => pendings.push(pending) });
    const abort = new AbortController();
    const opening = pair.client.open(HEADER, { signal: abort.signal });
    await until(() => pendings.length === 1);
    abort.abort();
    await expect(opening).rejects.toMatchObject({ code: "canceled" });
    await until(() => pair.server.stats().streams === 0);
    expect(pendings[0]!.accept().destroyed).toBe(true);
    await expect(pair.client.open(HEADER, { signal: abort.signal })).rejects.toMatchObject({
      code: "canceled",
    });
  });

  test("destroy with an error resets the other end with its code", async () => {
    using pair = createTunnelPair(
      {},
      { onStream: (pending) => pending.accept().destroy(new FleetError("permission_denied", "Not yours.")) },
    );
    const stream = await pair.client.open(HEADER);
    await until(() => stream.closed);
    expect(stream.errored).toMatchObject({ code: "permission_denied", message: "Not yours." });
  });

  test("a stream beyond the peer's limit is refused, and accepted after another has ended", async () => {
    using pair = createTunnelPair({}, { onStream: echo, limits: { maxStreams: 2 } });
    const first = await pair.client.open(HEADER);
    await pair.client.open(HEADER);
    await expect(pair.client.open(HEADER)).rejects.toMatchObject({ code: "resource_exhausted" });
    first.destroy();
    await until(() => pair.server.stats().streams === 1);
    await pair.client.open(HEADER);
  });
});

test("data emitted in one event loop turn leaves a gathering destination in one write", async () => {
  const source = new PassThrough();
  const writes: number[] = [];
  const destination = new Writable({
    writev(items, callback) {
      writes.push(items.length);
      callback();
    },
  });
  gatherWrites(source, destination);
  source.pipe(destination);
  await turn();
  for (const piece of ["one", "two", "three"]) source.write(piece);
  await turn();
  source.end("four");
  await finished(destination);
  expect(writes).toEqual([3, 1]);
});

describe("bounds", () => {
  test("a stalled reader stops its writer at the window, but no other stream", async () => {
    using pair = createTunnelPair(
      {},
      { onStream: (pending) => (pending.header.kind === "stalled" ? pending.accept() : echo(pending)) },
    );
    const stalled = await pair.client.open({ ...HEADER, kind: "stalled" });
    const block = Buffer.alloc(64 * KIB);
    let sent = 0;
    while (stalled.write(block, () => (sent += block.length))) await turn();
    for (let turns = 0; turns < 50; turns++) await turn();
    expect(sent).toBeLessThanOrEqual(256 * KIB);
    const live = await pair.client.open(HEADER);
    live.end(Buffer.alloc(1_000_000));
    expect((await buffer(live)).length).toBe(1_000_000);
  });

  test("unread one-byte pieces are merged, not kept as one object each", async () => {
    let stalled: Duplex | undefined;
    const [near, far] = duplexPair() as [Duplex, Duplex];
    createTunnel(near, {
      role: "server",
      onStream(pending) {
        stalled = pending.accept();
      },
    });
    far.resume();
    const one = encodeFrame(FRAME.data, 1, Buffer.from("x"));
    const open = encodeFrame(FRAME.open, 1, Buffer.from(JSON.stringify(HEADER)));
    far.write(Buffer.concat([encodeHello(256 * KIB), open, ...Array<Buffer>(100 * KIB).fill(one)]));
    await until(() => stalled !== undefined);
    let pieces = 0;
    let bytes = 0;
    stalled!.on("data", (piece: Buffer) => {
      pieces++;
      bytes += piece.length;
    });
    await until(() => bytes === 100 * KIB);
    expect(pieces).toBeLessThan(20);
    far.destroy();
  });

  test("window growth is returned to the tunnel when its stream ends", async () => {
    let nowMs = 0;
    let stepMs = 1000; // a long round trip first, then fast bytes: every window wants to grow
    using pair = createTunnelPair(
      { monotonic: () => (nowMs += stepMs), limits: { receiveBuffer: 2048 * KIB } },
      { onStream: (pending) => flood(pending.accept()) },
    );
    await pair.client.ping();
    stepMs = 0.01;
    for (let streams = 0; streams < 3; streams++) {
      const stream = await pair.client.open(HEADER);
      let read = 0;
      let inAtPause = 0;
      stream.on("data", (chunk: Buffer) => {
        read += chunk.length;
        if (read < 5_000_000 || stream.isPaused()) return;
        stream.pause();
        inAtPause = pair.client.stats().bytesIn;
      });
      await until(() => stream.isPaused());
      for (let turns = 0; turns < 200; turns++) await turn(); // all that the window allows comes
      const unread = pair.client.stats().bytesIn - inAtPause;
      // The window may grow by half the tunnel's buffer, to 1280 KiB. At least half of it is granted at any moment.
      expect(unread).toBeGreaterThan(500 * KIB);
      expect(unread).toBeLessThan(1300 * KIB);
      stream.destroy();
      await until(() => pair.server.stats().streams === 0);
    }
  });

  test("beyond the tunnel's limit, the stream with the most unread bytes is reset", async () => {
    using pair = createTunnelPair(
      {},
      { onStream: (pending) => void pending.accept(), limits: { receiveBuffer: 1000 * KIB } },
    );
    const streams = await Promise.all(Array.from({ length: 6 }, () => pair.client.open(HEADER)));
    for (const [index, stream] of streams.entries()) stream.write(Buffer.alloc((200 - index) * KIB));
    await until(() => streams.some(({ destroyed }) => destroyed));
    await pair.client.ping();
    expect(streams.map(({ errored }) => (errored as FleetError | null)?.code)).toEqual([
      "resource_exhausted",
      ...Array(5).fill(undefined),
    ]);
  });

  test("small requests do not wait behind bulk transfers", async () => {
    using pair = createTunnelPair(
      { limits: { maxWindow: 256 * KIB } },
      { onStream: (pending) => (pending.header.kind === "bulk" ? flood(pending.accept()) : echo(pending)) },
      createLink({ capacity: 256 * KIB }),
    );
    let bulkBytes = 0;
    const bulk = await pair.client.open({ ...HEADER, kind: "bulk" });
    bulk.on("data", (chunk: Buffer) => {
      bulkBytes += chunk.length;
    });
    await until(() => bulkBytes > 1_000_000);
    const before = bulkBytes;
    const small = await pair.client.open(HEADER);
    small.end("small");
    expect(await text(small)).toBe("small");
    // Two exchanges, each behind one window of bulk, and as much again as the link takes before it pushes back.
    expect(bulkBytes - before).toBeLessThan(2_000_000);
    bulk.destroy();
  });

  test("three thousand aborted downloads leave nothing behind", async () => {
    using pair = createTunnelPair({}, { onStream: (pending) => flood(pending.accept()) });
    for (let batch = 0; batch < 30; batch++) {
      const downloads = Array.from({ length: 100 }, () => pair.client.openNow(HEADER));
      await Promise.all(
        downloads.map(async (stream, index) => {
          if (index % 3 > 0) await new Promise((came) => stream.once("readable", came));
          if (index % 3 === 2) stream.read();
          stream.destroy();
        }),
      );
    }
    await until(() => pair.client.stats().streams === 0 && pair.server.stats().streams === 0);
    expect(await pair.client.ping()).toBeGreaterThanOrEqual(0);
  });
});

/** Writes for as long as the stream lives. */
function flood(stream: Duplex): void {
  const block = Buffer.alloc(64 * KIB, "bulk");
  const fill = () => {
    while (!stream.destroyed && stream.write(block));
  };
  stream.on("drain", fill);
  fill();
}

describe("the end of a tunnel", () => {
  test("close tells the peer why and destroys every stream on both ends", async () => {
    using pair = createTunnelPair({}, { onStream: echo });
    const stream = await pair.client.open(HEADER);
    pair.server.close("The proxy is going away.");
    expect(await pair.client.closed).toEqual({ code: "peer_closed", message: "The proxy is going away." });
    expect(await pair.server.closed).toEqual({ code: "closed", message: "The proxy is going away." });
    expect(stream.errored).toMatchObject({ code: "unavailable" });
    await expect(pair.client.open(HEADER)).rejects.toMatchObject({ code: "unavailable" });
    await expect(pair.client.ping()).rejects.toMatchObject({ code: "unavailable" });
  });

  test("drain refuses new streams at both ends, finishes the open one, then closes", async () => {
    let told = 0;
    using pair = createTunnelPair({ onDrain: () => told++ }, { onStream: echo });
    const stream = await pair.client.open(HEADER);
    const drained = pair.server.drain();
    await until(() => told === 1);
    expect(pair.client.draining).toBe(true);
    expect(() => pair.client.openNow(HEADER)).toThrow("draining");
    await expect(pair.server.open(HEADER)).rejects.toMatchObject({ code: "unavailable" });
    stream.end("last words");
    expect(await text(stream)).toBe("last words");
    expect((await drained).code).toBe("drained");
    expect((await pair.client.closed).code).toBe("peer_closed");
  });

  test("a retired tunnel asks the peer to dial another, and keeps carrying streams that this end opens", async () => {
    const told: string[] = [];
    using pair = createTunnelPair(
      { onDrain: (message) => told.push(message), onStream: echo },
      { onStream: echo },
    );
    pair.server.retire("The replica drains.");
    await until(() => told.length === 1);
    expect(() => pair.client.openNow(HEADER)).toThrow("draining");
    const stream = await pair.server.open(HEADER);
    const drained = pair.server.drain();
    await expect(pair.server.open(HEADER)).rejects.toMatchObject({ code: "unavailable" });
    stream.end("last words");
    expect(await text(stream)).toBe("last words");
    expect((await drained).code).toBe("drained");
    expect(told).toEqual(["The replica drains."]);
  });

  test("a lost connection fails open and pending streams", async () => {
    using pair = createTunnelPair({}, { onStream: () => {} });
    const opening = pair.client.open(HEADER);
    pair.left.destroy(new Error("ECONNRESET"));
    await expect(opening).rejects.toMatchObject({ code: "unavailable" });
    expect(await pair.client.closed).toEqual({
      code: "transport_error",
      message: "The connection broke: ECONNRESET.",
    });
  });

  test("a silent peer is dropped after three keepalives, one that answers is kept", async () => {
    const clock = createManualClock();
    using pair = createTunnelPair({ clock });
    for (let ticks = 0; ticks < 10; ticks++) {
      clock.tick();
      await pair.client.ping();
    }
    const [silent] = duplexPair();
    const alone = createTunnel(silent!, { role: "client", clock });
    for (let ticks = 0; ticks < 3; ticks++) clock.tick();
    expect(await alone.closed).toEqual({
      code: "peer_dead",
      message: "Nothing received from the peer for 15 seconds.",
    });
    expect(pair.client.stats().rttMs).toBeGreaterThan(0);
  });
});

test("the reset code is passed on, also over a second tunnel, apart from the message", async () => {
  const refuse = new StreamReset("agent_not_here", "failed_precondition", "Not here.");
  using pair = createTunnelPair({}, { onStream: (pending) => pending.refuse(refuse) });
  const error = await pair.client.open({ kind: "tcp", target: "x" }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "failed_precondition", message: "Not here." });
  expect(isReset(error, "agent_not_here")).toBe(true);
  expect(isTunnelClosed(error)).toBe(false);
});
