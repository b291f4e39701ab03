import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { createFakeClock, waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import { LIMITS } from "../limits.js";
import { fetchFrom, startFleet, type TestFleet } from "../testing/fleet.js";
import { passing } from "../testing/passing.js";
import { startWeb } from "../testing/web.js";

const BUILDS = "/api/v2/workspaces/11111111-1111-4111-8111-111111111111/builds";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Has coderd meet the first requests, once they have come whole, with `meet`, and answer the others. */
function meetFirst(fleet: TestFleet, count: number, meet: Handler): string[] {
  const bodies: string[] = [];
  fleet.upstream.handler = (request, response) => {
    void text(request).then((body) => {
      bodies.push(body);
      if (bodies.length <= count) meet(request, response);
      else response.end(`${request.method} ${body.length}`);
    });
  };
  return bodies;
}

const cut: Handler = (request) => request.socket.destroy();
const away: Handler = (_request, response) => response.writeHead(503, { "Retry-After": "0" }).end("away");

test.each([
  ["GET", "/x", ""],
  ["PUT", "/x", "hello"],
  ["DELETE", "/x", "hello"],
  ["POST", BUILDS, "hello"],
  ["POST", "/api/v2/users/me/workspaces", "hello"],
])("%s %s is retried if coderd dies before answering, or answers 503", async (method, path, body) => {
  await using fleet = await startFleet();
  for (const meet of [cut, away]) {
    const seen = meetFirst(fleet, 3, meet);
    const headers = body ? { "Content-Length": body.length } : {};
    const reply = await fetchFrom(fleet.proxy.address, path, { method, headers, body });
    expect(reply).toMatchObject({ status: 200, text: `${method} ${body.length}` });
    expect(seen).toEqual([body, body, body, body]);
  }
  const keys = fleet.upstream.requests.map((request) => request.headers["idempotency-key"]);
  expect(new Set(keys.slice(0, 4)).size).toBe(1);
  expect(typeof keys[0]).toBe(method === "POST" ? "string" : "undefined");
  expect(keys[4] === keys[0]).toBe(method !== "POST");
  expect(await fleet.registry.metrics()).toContain('coder_proxy_frontdoor_repeats_total{reason="reset"} 3');
  expect(await fleet.registry.metrics()).toContain(
    'coder_proxy_frontdoor_repeats_total{reason="unavailable"} 3',
  );
});

test("a client's own idempotency key is kept", async () => {
  await using fleet = await startFleet();
  meetFirst(fleet, 1, cut);
  const headers = { "Idempotency-Key": "mine" };
  const reply = await fetchFrom(fleet.proxy.address, BUILDS, { method: "POST", headers, body: "{}" });
  expect(reply.status).toBe(200);
  expect(fleet.upstream.requests.map((request) => request.headers["idempotency-key"])).toEqual([
    "mine",
    "mine",
  ]);
});

test.each([
  ["PATCH", "/x"],
  ["POST", "/api/v2/users"],
])("%s %s is not repeated once coderd may have acted on it", async (method, path) => {
  await using fleet = await startFleet();
  const request = () => fetchFrom(fleet.proxy.address, path, { method, body: "hello" });
  const cutOff = meetFirst(fleet, 1, cut);
  expect((await request()).status).toBe(502);
  expect(cutOff).toEqual(["hello"]);
  const refused = meetFirst(fleet, 1, away);
  expect(await request()).toMatchObject({ status: 503, text: "away" });
  expect(refused).toEqual(["hello"]);
});

test("coderd's own errors are passed on, including a 503 without Retry-After", async () => {
  await using fleet = await startFleet();
  for (const status of [500, 503]) {
    const seen = meetFirst(fleet, 1, (_request, response) => response.writeHead(status).end("no"));
    expect(await fetchFrom(fleet.proxy.address, "/x")).toMatchObject({ status, text: "no" });
    expect(seen).toHaveLength(1);
  }
});

test("while no connection can be made, every request waits, of any kind and size", async () => {
  await using fleet = await startFleet();
  const { port } = fleet.upstream;
  await fleet.upstream[Symbol.asyncDispose]();
  const large = Buffer.alloc(3 * LIMITS.repeatedBodyBytes, "x");
  const sent = [
    { method: "GET", path: "/x" },
    { method: "PATCH", path: "/x", body: "hello" },
    { method: "POST", path: "/api/v2/users", body: "hello" },
    { method: "POST", path: "/api/v2/files", body: large },
    { method: "PUT", path: "/x", body: large },
  ];
  const replies = sent.map(({ path, ...request }) => fetchFrom(fleet.proxy.address, path, request));
  const socket = new WebSocket(`ws://${fleet.proxy.address}/watch`);
  const opened = once(socket, "open");
  const refused = async () =>
    Number(/reason="refused"} (\d+)/.exec(await fleet.registry.metrics())?.[1] ?? 0);
  await waitFor(async () => (await refused()) > 8, { what: "all to have been refused" });
  await using upstream = await startWeb(port);
  for (const [index, reply] of (await Promise.all(replies)).entries()) {
    expect(reply.status).toBe(200);
    const { method, body = "" } = sent[index]!;
    expect(JSON.parse(reply.text)).toMatchObject({ method, bytes: body.length });
  }
  await opened;
  socket.close();
  expect(upstream.requests).toHaveLength(sent.length + 1);
});

test("a body too large to buffer is sent once", async () => {
  await using fleet = await startFleet();
  const body = Buffer.alloc(LIMITS.repeatedBodyBytes + 1, "x");
  for (const headers of [{ "Content-Length": body.length }, { "Transfer-Encoding": "chunked" }]) {
    const seen = meetFirst(fleet, 1, cut);
    const reply = await fetchFrom(fleet.proxy.address, "/x", { method: "PUT", headers, body });
    expect(reply.status).toBe(502);
    expect(seen.map(({ length }) => length)).toEqual([body.length]);
    expect((await fetchFrom(fleet.proxy.address, "/x", { method: "PUT", headers, body })).text).toBe(
      `PUT ${body.length}`,
    );
  }
});

test("a connection that coderd closes between two requests fails neither", async () => {
  await using fleet = await startFleet();
  // It reads the next request of a kept connection and closes it instead, as one does whose idle time is over.
  const ports: (number | undefined)[] = [];
  const used = new WeakSet<object>();
  fleet.upstream.handler = (request, response) => {
    ports.push(request.socket.remotePort);
    if (used.has(request.socket)) return request.socket.destroy();
    used.add(request.socket);
    request.resume();
    response.end("done");
  };
  for (const method of ["GET", "GET", "PATCH", "POST", "PATCH", "GET"]) {
    const reply = await fetchFrom(fleet.proxy.address, "/x", { method, body: method === "GET" ? "" : "x" });
    expect(reply.text).toBe("done");
  }
  // The second and the last GET met a closed connection; what may not be repeated never shared one.
  expect(ports).toHaveLength(8);
});

test("an aborted response is not requested again", async () => {
  await using fleet = await startFleet();
  fleet.upstream.handler = (_request, response) => {
    response.writeHead(200, { "Content-Length": 1000 });
    response.write("part", () => response.destroy());
  };
  await expect(fetchFrom(fleet.proxy.address, "/")).rejects.toThrow("aborted");
  expect(fleet.upstream.requests).toHaveLength(1);
});

test("an upgrade is dialed again until there is a response", async () => {
  await using fleet = await startFleet();
  const listeners = fleet.upstream.server.listeners("upgrade") as ((...given: unknown[]) => void)[];
  fleet.upstream.server.removeAllListeners("upgrade");
  let met = 0;
  fleet.upstream.server.on("upgrade", (request, socket, head) => {
    met += 1;
    if (met === 1) socket.destroy();
    else if (met === 2) socket.end("HTTP/1.1 503 Away\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n");
    else for (const listener of listeners) listener(request, socket, head);
  });
  const socket = new WebSocket(`ws://${fleet.proxy.address}/watch`);
  await once(socket, "open");
  socket.send("ping");
  expect(String((await once(socket, "message"))[0])).toBe("ping");
  expect(met).toBe(3);
  socket.close();
});

test("a disconnecting client ends the wait", async () => {
  await using fleet = await startFleet();
  const seen = meetFirst(fleet, 1_000, away);
  const [host, port] = fleet.proxy.address.split(":");
  const raw = connect({ host, port: Number(port) });
  raw.write("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  await waitFor(() => seen.length > 2, { what: "the request to be sent again" });
  raw.destroy();
  await waitFor(
    async () => (await fleet.registry.metrics()).includes('coder_proxy_open_requests{kind="frontdoor"} 0'),
    {
      what: "the request to end",
    },
  );
  const { length } = seen;
  expect((await fetchFrom(fleet.proxy.address, "/y", { method: "PATCH" })).status).toBe(503);
  expect(seen).toHaveLength(length + 1);
});

test("after the time limit the client gets coderd's last response, or our own error", async () => {
  const clock = createFakeClock();
  await using fleet = await startFleet({}, clock);
  const startedAt = clock.now().getTime();
  meetFirst(fleet, 1_000, away);
  expect(await passing(clock, fetchFrom(fleet.proxy.address, "/x"))).toMatchObject({
    status: 503,
    text: "away",
  });
  expect(clock.now().getTime() - startedAt).toBeGreaterThan(LIMITS.coderdPatienceMs - 2_000);
  meetFirst(fleet, 1_000, cut);
  const reply = await passing(clock, fetchFrom(fleet.proxy.address, "/x"));
  expect(reply.status).toBe(502);
  expect(JSON.parse(reply.text).message).toMatch(/control plane is unavailable/);
});
