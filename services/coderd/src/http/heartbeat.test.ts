import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { nullLogger } from "@fleet/base";
import { createFakeClock, waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import type { Handlers } from "./handler.js";
import { serveUpgrades } from "./upgrade.js";

const id = "3f8c5b6e-7c1b-4f0e-9a51-8f2f3a4c5d6e";
const WATCH = `/api/v2/workspaces/${id}/watch-ws`;
const LOGS = `/api/v2/workspaceagents/${id}/logs?follow=true`;

/** A server whose streams send one message and then go idle, with the messages each client received. */
async function open(path: string) {
  const clock = createFakeClock();
  const server = createServer();
  const silent = async () =>
    (async function* () {
      yield "first";
      await new Promise(() => {});
    })();
  serveUpgrades(server, {
    handlers: { workspaceWatchSocket: silent, agentLogsFollow: silent } as unknown as Handlers,
    actorOf: async () => ({ kind: "anonymous" }),
    limit: async () => {},
    acceptAgentRpc: async () => {},
    authenticateDaemon: () => Promise.reject(new Error("no daemon")),
    acceptDaemonRpc() {},
    open: async (handler, asked) => ({
      messages: (await handler(asked as never)) as AsyncIterable<unknown>,
      release() {},
    }),
    now: () => 0,
    logger: nullLogger,
    clock,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
  const messages: unknown[] = [];
  client.on("message", (message) => messages.push(JSON.parse(String(message))));
  await waitFor(() => messages.length === 1, { what: "the first message" });
  return {
    clock,
    client,
    messages,
    async [Symbol.asyncDispose]() {
      client.terminate();
      server.close();
      await once(server, "close");
    },
  };
}

test.each([
  [`${WATCH}?heartbeat=true`, { type: "ping" }],
  [`${LOGS}&heartbeat=true`, []],
])("%s: a client that requests heartbeats receives one within 3 s", async (path, beat) => {
  await using stream = await open(path);
  await stream.clock.advance(3_000);
  await waitFor(() => stream.messages.length === 2, { what: "a heartbeat" });
  expect(stream.messages[1]).toEqual(beat);
});

test("a client that did not request heartbeats receives none", async () => {
  await using stream = await open(WATCH);
  const pinged = once(stream.client, "ping");
  await stream.clock.advance(15_000);
  await pinged;
  expect(stream.messages).toEqual(["first"]);
});
