import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { nullLogger } from "@fleet/base";
import { createFakeClock, type FakeClock, waitFor } from "@fleet/testkit";
import type { Handlers } from "./handler.js";
import { writeEvents } from "./sse.js";
import { serveUpgrades } from "./upgrade.js";

const EVENT_BYTES = 64 * 1024;
/** Maximum buffered by both sockets in the kernel plus what the server holds per reader, a megabyte. */
const HELD_BYTES = 16 * 1024 * 1024;
const PING_MS = 15_000;

/** An endless event source, and how many events were requested. */
function createSource() {
  const source = { asked: 0, ended: false };
  async function* events() {
    try {
      for (;;) {
        source.asked++;
        yield { type: "data", data: "x".repeat(EVENT_BYTES) };
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      source.ended = true;
    }
  }
  return { source, events };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A client that sends this and reads nothing. */
function deaf(port: number, head: string): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.pause();
  socket.write(head);
  return socket;
}

/** Waits until nothing more is requested from the source. */
async function stalls(source: { asked: number }): Promise<void> {
  let last = -1;
  await waitFor(
    async () => {
      const before = last;
      last = source.asked;
      await new Promise((resolve) => setImmediate(resolve));
      return source.asked > 1 && before === source.asked;
    },
    { what: "the source to be held back" },
  );
}

/** Expectations for both kinds of streams with a client that does not read. */
async function expectCutOff(
  clock: FakeClock,
  server: Server,
  head: string,
  source: { asked: number; ended: boolean },
) {
  const port = await listening(server);
  const client = deaf(port, head);
  try {
    await stalls(source);
    expect(source.asked * EVENT_BYTES).toBeLessThan(HELD_BYTES);
    const asked = source.asked;
    await clock.advance(2 * PING_MS);
    expect(source.ended).toBe(false);
    await clock.advance(2 * PING_MS);
    await waitFor(() => source.ended, { what: "the reader to be cut off" });
    expect(source.asked).toBeLessThanOrEqual(asked + 1);
  } finally {
    client.destroy();
    server.closeAllConnections();
    server.close();
  }
}

test("an event stream client that does not read uses little memory, and is disconnected", async () => {
  const clock = createFakeClock();
  const { source, events } = createSource();
  const server = createServer((_request, response) => void writeEvents(response, events(), clock));
  await expectCutOff(clock, server, "GET / HTTP/1.1\r\nHost: coderd\r\n\r\n", source);
});

test("a WebSocket client that does not read uses little memory, and is disconnected", async () => {
  const clock = createFakeClock();
  const { source, events } = createSource();
  const server = createServer();
  serveUpgrades(server, {
    handlers: { debugWebsocket: async () => events() } as unknown as Handlers,
    actorOf: async () => ({ kind: "anonymous" }),
    limit: async () => {},
    open: async (handler, request) => ({
      messages: (await handler(request)) as AsyncIterable<unknown>,
      release() {},
    }),
    now: () => 0,
    acceptAgentRpc() {},
    authenticateDaemon: () => Promise.reject(new Error("no daemon")),
    acceptDaemonRpc() {},
    logger: nullLogger,
    clock,
  });
  const head = [
    "GET /api/v2/debug/ws HTTP/1.1",
    "Host: coderd",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "",
    "",
  ].join("\r\n");
  await expectCutOff(clock, server, head, source);
});
