import { once } from "node:events";
import { createFakeClock } from "@fleet/testkit";
import type { TunnelStream } from "@fleet/tunnel";
import { WebSocket } from "ws";
import { AGENT_ID, startFleet, USER_TOKEN } from "../testing/fleet.js";
import { openingMessage, readClientMessage } from "./messages.js";

const ID = "44444444-4444-4444-8444-444444444444";
const path = `/api/v2/workspaceagents/${AGENT_ID}/pty`;
const headers = { "Coder-Session-Token": USER_TOKEN };

/** Writes each line of what it is sent back, the opening message first. */
function servePty(stream: TunnelStream): void {
  let heard = Buffer.alloc(0);
  let opened = false;
  stream.on("data", (chunk: Buffer) => {
    heard = Buffer.concat([heard, chunk]);
    if (!opened && heard.length >= 2 && heard.length >= 2 + heard.readUInt16LE(0)) {
      opened = true;
      const length = heard.readUInt16LE(0);
      stream.write(`${heard.toString("utf8", 2, 2 + length)}\n`);
      heard = heard.subarray(2 + length);
    }
    if (opened && heard.length > 0) {
      stream.write(heard);
      heard = Buffer.alloc(0);
    }
  });
}

test("a terminal opens with its size and command, and carries input and output", async () => {
  await using fleet = await startFleet();
  await fleet.connectAgent({ serve: servePty });
  const socket = new WebSocket(
    `ws://${fleet.proxy.address}${path}?reconnect=${ID}&height=40&width=120&command=htop`,
    { headers },
  );
  const [first, isBinary] = await once(socket, "message");
  expect(isBinary).toBe(true);
  expect(JSON.parse(String(first))).toEqual({
    ID,
    Height: 40,
    Width: 120,
    Command: "htop",
    Container: "",
    ContainerUser: "",
    BackendType: "",
  });
  socket.send(JSON.stringify({ data: "ls\r", height: 41, width: 121 }));
  const [second] = await once(socket, "message");
  expect(JSON.parse(String(second))).toEqual({ data: "ls\r", height: 41, width: 121 });
  socket.close();
});

test("a client that requests heartbeats receives an empty message within 3 s", async () => {
  const clock = createFakeClock();
  await using fleet = await startFleet({}, clock);
  await fleet.connectAgent({ serve: (stream) => void stream.resume() });
  const socket = new WebSocket(`ws://${fleet.proxy.address}${path}?reconnect=${ID}&heartbeat=true`, {
    headers,
  });
  await once(socket, "open");
  const beat = once(socket, "message");
  await clock.advance(3_000);
  const [message, isBinary] = await beat;
  expect([(message as Buffer).length, isBinary]).toEqual([0, true]);
  socket.close();
});

test("the shell's end closes the socket; invalid messages close it with a reason", async () => {
  await using fleet = await startFleet();
  await fleet.connectAgent({ serve: (stream) => void stream.once("data", () => stream.end("bye")) });
  const ended = new WebSocket(`ws://${fleet.proxy.address}${path}?reconnect=${ID}`, { headers });
  expect((await once(ended, "close"))[0]).toBe(1000);
  await fleet.connectAgent({ serve: servePty });
  const nonsense = new WebSocket(`ws://${fleet.proxy.address}${path}?reconnect=${ID}`, { headers });
  await once(nonsense, "open");
  nonsense.send("not json");
  expect((await once(nonsense, "close"))[0]).toBe(1003);
});

test("a page of another site cannot open a terminal; the dashboard can", async () => {
  await using fleet = await startFleet();
  await fleet.connectAgent({ serve: servePty });
  const open = (origin: string) =>
    new WebSocket(`ws://${fleet.proxy.address}${path}?reconnect=${ID}`, {
      headers: { Cookie: `coder_session_token=${USER_TOKEN}` },
      origin,
    });
  const [error] = await once(open("http://evil.test"), "error");
  expect(String(error)).toContain("403");
  const own = open("http://coder.test");
  await once(own, "open");
  own.close();
});

test("a lost agent is reported to the terminal", async () => {
  await using fleet = await startFleet();
  const agent = await fleet.connectAgent({ serve: servePty });
  const socket = new WebSocket(`ws://${fleet.proxy.address}${path}?reconnect=${ID}`, { headers });
  await once(socket, "message");
  agent.tunnel.close();
  expect((await once(socket, "close"))[0]).toBe(1011);
});

test("a browser that does not read slows the agent down, and later gets everything", async () => {
  await using fleet = await startFleet();
  const sent = Buffer.alloc(6_000_000, "0123456789abcdef-");
  let written = false;
  await fleet.connectAgent({
    serve(stream) {
      stream.resume();
      stream.end(sent, () => {
        written = true;
      });
    },
  });
  const socket = new WebSocket(`ws://${fleet.proxy.address}${path}?reconnect=${ID}`, { headers });
  await once(socket, "open");
  socket.pause();
  await new Promise((resolve) => setImmediate(resolve));
  expect(written).toBe(false);
  const chunks: Buffer[] = [];
  socket.on("message", (chunk: Buffer) => chunks.push(chunk));
  socket.resume();
  await once(socket, "close");
  expect(Buffer.concat(chunks).equals(sent)).toBe(true);
});

test("invalid queries and messages are rejected", () => {
  const opening = (query: string) => () => openingMessage(new URLSearchParams(query));
  expect(opening("height=40")).toThrow(/reconnect/);
  expect(opening(`reconnect=${ID}&height=0`)).toThrow(/height/);
  expect(opening(`reconnect=${ID}&command=${"x".repeat(9000)}`)).toThrow(/command/);
  expect(readClientMessage(Buffer.from('{"data":5}'))).toBeUndefined();
  expect(readClientMessage(Buffer.from("[]"))).toBeUndefined();
  expect(String(readClientMessage(Buffer.from('{"height":1,"x":2}')))).toBe('{"height":1}\n');
});
