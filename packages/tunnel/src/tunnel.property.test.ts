import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { createWebSocketStream, WebSocket, WebSocketServer } from "ws";
import { createTunnel, type TunnelStream } from "./index.js";
import { createLink } from "./testing/link.js";
import { createTunnelPair, echo, HEADER } from "./testing/pair.js";

type End = "client" | "server";
type Step =
  | { do: "open"; end: End }
  | { do: "write"; end: End; stream: number; bytes: number }
  | { do: "end"; end: End; stream: number }
  | { do: "destroy"; end: End; stream: number }
  | { do: "pause"; end: End; stream: number }
  | { do: "resume"; end: End; stream: number }
  | { do: "wait" };

const end = fc.constantFrom<End>("client", "server");
const stream = fc.nat(20);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("open" as const), end }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      end,
      stream,
      bytes: fc.integer({ min: 1, max: 200_000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("end" as const, "pause" as const, "resume" as const),
      end,
      stream,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("destroy" as const), end, stream }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const) }) },
);

/** One end of a stream: what it wrote, what it read, and how it left. */
type Half = { id: string; stream: TunnelStream; wrote: number; read: number; wrong: boolean; ended: boolean };

/** Byte `n` of a direction has a value that its position alone decides, so that loss, repetition and disorder all show. */
const pattern = (at: number, bytes: number) =>
  Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (at + i) % 251));

function half(stream: TunnelStream): Half {
  const state: Half = { id: stream.header.target, stream, wrote: 0, read: 0, wrong: false, ended: false };
  stream.on("data", (chunk: Buffer) => {
    if (!chunk.equals(pattern(state.read, chunk.length))) state.wrong = true;
    state.read += chunk.length;
  });
  stream.on("end", () => {
    state.ended = true;
  });
  return state;
}

test("for any interleaving and transport, bytes arrive in order and nothing leaks", async () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), cuts, async (steps, sizes) => {
      let cut = 0;
      let opened = 0;
      const link = createLink({ pieceBytes: () => sizes[cut++ % sizes.length]!, capacity: 300_000 });
      const halves: Record<End, Half[]> = { client: [], server: [] };
      using pair = createTunnelPair(
        { onStream: (pending) => halves.client.push(half(pending.accept())) },
        { onStream: (pending) => halves.server.push(half(pending.accept())) },
        link,
      );
      const broken: string[] = [];
      for (const one of ["client", "server"] as const) {
        void pair[one].closed.then(({ message }) => broken.push(message));
      }
      for (const one of steps) {
        if (one.do === "open")
          halves[one.end].push(half(pair[one.end].openNow({ ...HEADER, target: `${opened++}` })));
        else if (one.do === "wait") await turn();
        else act(halves[one.end][one.stream], one);
      }
      const all = [...halves.client, ...halves.server];
      for (let turns = 0; turns < 5; turns++) await turn();
      for (const { stream: living } of [...halves.client, ...halves.server]) {
        living.resume();
        living.end();
      }
      const settled = () => pair.client.stats().streams + pair.server.stats().streams === 0;
      for (let turns = 0; !settled() && turns < 5000; turns++) {
        await turn();
        for (const { stream: late } of [...halves.client, ...halves.server]) {
          if (!late.writableEnded) late.end();
        }
      }
      expect(broken).toEqual([]);
      expect(pair.client.stats().streams).toBe(0);
      expect(pair.server.stats().streams).toBe(0);
      expect(all.filter(({ wrong }) => wrong)).toEqual([]);
      for (const one of halves.client) {
        const other = halves.server.find(({ id }) => id === one.id);
        if (!other) continue;
        expect(one.read).toBeLessThanOrEqual(other.wrote);
        if (one.ended) expect(one.read).toBe(other.wrote);
        if (other.ended) expect(other.read).toBe(one.wrote);
      }
    }),
    { numRuns: 150 },
  );
});

function act(half: Half | undefined, step: Exclude<Step, { do: "open" | "wait" }>): void {
  if (!half || half.stream.destroyed) return;
  if (step.do === "pause") half.stream.pause();
  else if (step.do === "resume") half.stream.resume();
  else if (step.do === "destroy") half.stream.destroy();
  else if (half.stream.writableEnded) return;
  else if (step.do === "end") half.stream.end();
  else {
    half.stream.write(pattern(half.wrote, step.bytes));
    half.wrote += step.bytes;
  }
}

test("garbage from a peer closes the tunnel and throws nothing", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { minLength: 1 }),
      async (chunks) => {
        const [near, far] = createLink();
        const tunnel = createTunnel(near, { role: "client", onStream: echo });
        far.resume();
        for (const chunk of chunks) far.write(chunk);
        far.end();
        expect(["protocol_error", "peer_closed"]).toContain((await tunnel.closed).code);
        near.destroy();
        far.destroy();
      },
    ),
  );
});

test("over a path with 20 ms of delay and packet loss, the window grows and all data arrives", async () => {
  let piece = 0;
  // Every hundredth piece comes 60 ms late, and all that follow wait for it: what loss looks like above TCP.
  const link = createLink({ pieceBytes: () => 16 * 1024, delayMs: () => (++piece % 100 === 0 ? 70 : 10) });
  using pair = createTunnelPair({}, { onStream: echo }, link);
  await pair.client.ping();
  const stream = pair.client.openNow(HEADER);
  const sent = Buffer.alloc(12_000_000, "delayed ");
  const start = performance.now();
  stream.end(sent);
  expect((await buffer(stream)).equals(sent)).toBe(true);
  // 256 KiB per round trip would take 46 round trips of 20 ms, there and back, the losses not counted.
  expect(performance.now() - start).toBeLessThan(6000);
});

test("over a WebSocket, half-close and order are kept", async () => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((listening) => server.once("listening", listening));
  const accepted = new Promise<Duplex>((resolve) => {
    server.once("connection", (socket) => resolve(createWebSocketStream(socket)));
  });
  const { port } = server.address() as AddressInfo;
  const left = createWebSocketStream(new WebSocket(`ws://127.0.0.1:${port}`));
  using pair = createTunnelPair({}, { onStream: echo }, [left, await accepted]);
  const sent = Buffer.alloc(3_000_000, "socket ");
  const stream = await pair.client.open(HEADER);
  stream.end(sent);
  expect((await buffer(stream)).equals(sent)).toBe(true);
  pair.client.close();
  await pair.server.closed;
  server.close();
});
