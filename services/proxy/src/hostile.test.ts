import { once } from "node:events";
import { request } from "node:http";
import { connect, createServer } from "node:net";
import { createHostile, waitFor } from "@fleet/testkit";
import { listenLocal } from "./testing/coderd.js";
import {
  AGENT_ID,
  AGENT_TOKEN,
  fetchFrom,
  openStream,
  startFleet,
  type TestFleet,
  USER_TOKEN,
} from "./testing/fleet.js";

/*
 * Whatever comes in at any of the proxy's doors, the proxy serves on. An error that nobody handles fails the test by
 * itself (scripts/lint/unhandled.test.ts).
 */

const ROUNDS = 120;
const PATH = "/@ana/dev.main/apps/web";
const COOKIE = `coder_session_token=${USER_TOKEN}`;

/** Sends the bytes on a connection of its own, reads what comes, and ends the connection one way or another. */
async function throwAt(address: string, bytes: Buffer, abruptly: boolean): Promise<void> {
  const colon = address.lastIndexOf(":");
  const socket = connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) });
  socket.on("error", () => {}).resume();
  socket.end(bytes);
  if (abruptly) socket.once("connect", () => setImmediate(() => socket.resetAndDestroy()));
  const patience = setTimeout(() => socket.destroy(), 300);
  await once(socket, "close").catch(() => {});
  clearTimeout(patience);
}

/** One after the other in a few rows: enough to meet each other, and not more than the machine bears. */
async function rounds(count: number, work: (round: number) => Promise<void>): Promise<void> {
  let next = 0;
  const row = async () => {
    for (let round = next++; round < count; round = next++) await work(round);
  };
  await Promise.all(Array.from({ length: 8 }, row));
}

async function expectServing(fleet: TestFleet): Promise<void> {
  expect((await fetchFrom(fleet.proxy.address, "/still-there")).status).toBe(200);
}

test("hostile clients", async () => {
  const hostile = createHostile(1);
  await using fleet = await startFleet();
  const upgrade = (protocol: string) => `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`;
  const head = (path: string, more = "") =>
    `GET ${path} HTTP/1.1\r\nHost: coder.test\r\nCookie: ${COOKIE}\r\n${more}\r\n`;
  const samples = [
    head("/api/v2/users?q=%41"),
    head(`${PATH}/x?y=1`),
    head("/").replace("coder.test", "web--main--dev--ana.apps.test"),
    `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello`,
    `PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n`,
    head(
      `/api/v2/workspaceagents/${AGENT_ID}/pty?reconnect=${AGENT_ID}&width=x`,
      `${upgrade("websocket")}Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Version: 13\r\n`,
    ),
    head(`/api/v2/workspaceagents/${AGENT_ID}/ssh?resumable=1`, upgrade("coder-stream/1")),
    head(`/api/v2/workspaceagents/${AGENT_ID}/forward?target=127.0.0.1:80`, upgrade("coder-stream/1")),
    head("/api/v2/workspaceagents/me/tunnel", upgrade("coder-tunnel/1")),
    head("/watch", upgrade("x/2")),
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
  ];
  await rounds(ROUNDS * 2, () =>
    throwAt(fleet.proxy.address, hostile.mutate(hostile.pick(samples)), hostile.below(4) === 0),
  );
  await expectServing(fleet);
});

test("hostile apps", async () => {
  const hostile = createHostile(2);
  await using fleet = await startFleet();
  const samples = [
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 404 Grüße\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n\x81\x05hello",
    "HTTP/1.0 302 Found\r\nLocation: /\r\nConnection: keep-alive\r\n\r\n",
  ];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => {
      const end = hostile.below(3);
      socket.write(hostile.mutate(hostile.pick(samples)));
      if (end === 0) socket.resetAndDestroy();
      else if (end === 1) socket.end();
    });
  });
  fleet.addApp({ slugOrPort: "web", url: `http://127.0.0.1:${await listenLocal(server as never)}` });
  await fleet.connectAgent();
  await rounds(ROUNDS, (round) => {
    const upgrade = round % 3 === 0 ? "Connection: Upgrade\r\nUpgrade: websocket\r\n" : "";
    const head = `${hostile.pick(["GET", "HEAD", "POST"])} ${PATH}/ HTTP/1.1\r\nHost: coder.test\r\nCookie: ${COOKIE}\r\n`;
    return throwAt(fleet.proxy.address, Buffer.from(`${head}${upgrade}\r\n`), false);
  });
  server.close();
  await expectServing(fleet);
});

test("hostile agents, on tunnels and accepted streams", async () => {
  const hostile = createHostile(3);
  await using fleet = await startFleet();
  const frame = (type: number, stream: number, payload: Buffer) => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(payload.length, 0);
    head[0] = type;
    head.writeUInt32BE(stream, 4);
    return Buffer.concat([head, payload]);
  };
  await rounds(ROUNDS, async () => {
    const dialing = request(`http://${fleet.proxy.address}/api/v2/workspaceagents/me/tunnel`, {
      headers: { Connection: "Upgrade", Upgrade: "coder-tunnel/1", "Coder-Session-Token": AGENT_TOKEN },
    });
    dialing.on("error", () => {}).end();
    const [, socket, early] = await once(dialing, "upgrade");
    socket.on("error", () => {});
    // The proxy's own hello is a sample of the framing.
    const hello: Buffer = early.length > 0 ? early : (await once(socket, "data"))[0];
    const frames = Array.from({ length: 4 }, () =>
      hostile.mutate(hostile.pick([hello, frame(hostile.below(12), hostile.below(6), hostile.bytes(64))])),
    );
    socket.end(Buffer.concat([hostile.below(2) ? hello : Buffer.alloc(0), ...frames]));
    socket.resume();
    await once(socket, "close");
  });
  await fleet.connectAgent({
    serve(stream) {
      stream.on("error", () => {}).resume();
      stream.end(hostile.bytes(4096));
    },
  });
  for (let round = 0; round < 20; round++) {
    const stream = await openStream(fleet.proxy.address, `/api/v2/workspaceagents/${AGENT_ID}/ssh`);
    stream.on("error", () => {}).resume();
    stream.end(hostile.bytes(4096));
    await once(stream, "close");
  }
  await expectServing(fleet);
});

test("hostile frames on the web terminal's socket", async () => {
  const hostile = createHostile(4);
  await using fleet = await startFleet();
  await fleet.connectAgent({
    serve(stream) {
      stream.on("error", () => {}).pipe(stream);
    },
  });
  const masked = (opcode: number, text: string) =>
    Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | (text.length & 0x7f), 0, 0, 0, 0]), Buffer.from(text)]);
  const samples = [
    masked(2, '{"data":"ls\\r","height":24,"width":80}'),
    masked(1, '{"data":1}'),
    masked(8, "\x03\xe8bye"),
    masked(9, "ping"),
    Buffer.from([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4]),
  ];
  await rounds(ROUNDS, async () => {
    const opening = request(
      `http://${fleet.proxy.address}/api/v2/workspaceagents/${AGENT_ID}/pty?reconnect=${crypto.randomUUID()}`,
      {
        headers: {
          Connection: "Upgrade",
          Upgrade: "websocket",
          "Sec-WebSocket-Key": "AQIDBAUGBwgJCgsMDQ4PEA==",
          "Sec-WebSocket-Version": "13",
          "Coder-Session-Token": USER_TOKEN,
        },
      },
    );
    opening.on("error", () => {}).end();
    const [, socket] = await once(opening, "upgrade");
    socket.on("error", () => {}).resume();
    for (let left = 3; left > 0; left--) socket.write(hostile.mutate(hostile.pick(samples)));
    socket.end();
    await once(socket, "close");
  });
  await expectServing(fleet);
});

test("hostile replicas, and a coderd that sends invalid messages", async () => {
  const hostile = createHostile(5);
  await using fleet = await startFleet();
  const relay = (token: string) =>
    `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: coder-relay/1\r\ncoder-relay-token: ${token}\r\n\r\n`;
  await rounds(ROUNDS / 2, () =>
    throwAt(fleet.proxy.relayAddress!, hostile.mutate(relay(hostile.pick(["relay-secret", "x"]))), false),
  );
  const settings = { ...fleet.coderd.settings };
  for (const broken of [{ accessUrl: "::" }, { wildcardHostname: "?" }, { heartbeatIntervalMs: -1 }]) {
    Object.assign(fleet.coderd.settings, broken);
    await fleet.coderd.pushSettings().catch(() => {});
    await expectServing(fleet);
    Object.assign(fleet.coderd.settings, settings);
  }
  await waitFor(() => fleet.coderd.replicas.size === 1, { what: "the session to be back" });
});
