import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { createFakeClock, waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import { LIMITS } from "../limits.js";
import { SELF_SIGNED } from "../testing/certificate.js";
import { fetchFrom, startFleet, startRequest } from "../testing/fleet.js";
import { passing } from "../testing/passing.js";

test("a request reaches coderd completely, with the client's address", async () => {
  await using fleet = await startFleet();
  const reply = await fetchFrom(fleet.proxy.address, "/api/v2/buildinfo?x=1", {
    method: "POST",
    headers: {
      Host: "coder.test",
      "Content-Length": 5,
      "X-Forwarded-For": "6.6.6.6",
      "X-Real-Ip": "6.6.6.6",
      Forwarded: "for=6.6.6.6",
      "Coder-Session-Token": "t",
    },
    body: "hello",
  });
  const seen = JSON.parse(reply.text);
  expect(seen).toMatchObject({ method: "POST", url: "/api/v2/buildinfo?x=1", bytes: 5 });
  expect(seen.headers).toMatchObject({
    host: "coder.test",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-host": "coder.test",
    "x-forwarded-proto": "http",
    "coder-session-token": "t",
    "x-request-id": reply.headers["x-request-id"],
  });
  expect(seen.headers).not.toHaveProperty("x-real-ip");
  expect(seen.headers).not.toHaveProperty("forwarded");
});

test("a trusted load balancer's forwarded headers are used", async () => {
  await using fleet = await startFleet({ trust: { origins: ["127.0.0.0/8"], headers: [] } });
  const reply = await fetchFrom(fleet.proxy.address, "/", {
    headers: {
      "X-Forwarded-For": "6.6.6.6, 9.9.9.9",
      "X-Forwarded-Proto": "https",
      "X-Request-Id": "balancer-1",
    },
  });
  expect(JSON.parse(reply.text).headers).toMatchObject({
    "x-forwarded-for": "9.9.9.9",
    "x-forwarded-proto": "https",
    "x-request-id": "balancer-1",
  });
});

test("WebSockets and other upgrades are spliced", async () => {
  await using fleet = await startFleet();
  const socket = new WebSocket(`ws://${fleet.proxy.address}/api/v2/watch`);
  await once(socket, "open");
  socket.send("ping");
  const [message] = await once(socket, "message");
  expect(String(message)).toBe("ping");
  socket.close();

  const [host, port] = fleet.proxy.address.split(":");
  const raw = connect({ host, port: Number(port), allowHalfOpen: true });
  raw.write("GET /rpc HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: coder-agent-rpc/1\r\n\r\nearly");
  const [head] = await once(raw, "data");
  expect(String(head)).toContain("Upgrade: coder-agent-rpc/1");
  raw.end(" late");
  expect(`${String(head).split("\r\n\r\n")[1]}${await text(raw)}`).toBe("EARLY LATE");
});

test("an upgrade that coderd declines is answered with its response", async () => {
  await using fleet = await startFleet();
  fleet.upstream.server.removeAllListeners("upgrade");
  fleet.upstream.server.on("upgrade", (_request, socket) => {
    socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 15\r\n\r\n{"message":"no"}'.slice(0, -1));
  });
  const reply = await fetchFrom(fleet.proxy.address, "/x", {
    headers: { Connection: "Upgrade", Upgrade: "websocket" },
  });
  expect(reply.status).toBe(401);
});

test("an event stream is not buffered", async () => {
  await using fleet = await startFleet();
  const step = Promise.withResolvers<void>();
  fleet.upstream.handler = (_request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.flushHeaders();
    void step.promise.then(() => response.write("data: 1\n\n"));
  };
  const response = await startRequest(fleet.proxy.address, "/watch");
  expect(response.headers["content-type"]).toBe("text/event-stream");
  step.resolve();
  const [chunk] = await once(response, "data");
  expect(String(chunk)).toBe("data: 1\n\n");
  response.destroy();
  await waitFor(() => fleet.upstream.broken === 1, { what: "coderd to learn that the client has gone" });
});

test("a response that coderd aborts is aborted at the client", async () => {
  await using fleet = await startFleet();
  fleet.upstream.handler = (_request, response) => {
    response.writeHead(200, { "Content-Length": 1000 });
    response.write("part", () => response.destroy());
  };
  await expect(fetchFrom(fleet.proxy.address, "/")).rejects.toThrow("aborted");
});

test("an upload that the client aborts is aborted at coderd", async () => {
  await using fleet = await startFleet();
  const [host, port] = fleet.proxy.address.split(":");
  const raw = connect({ host, port: Number(port) });
  raw.write("POST /files HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\npart");
  await waitFor(() => fleet.upstream.requests.length === 1, { what: "the upload to begin" });
  const broken = once(fleet.upstream.requests[0]!, "error");
  raw.destroy();
  await broken;
});

test("a request cannot be smuggled in another one's body", async () => {
  await using fleet = await startFleet();
  const hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
  const chunked = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
  const send = async (head: string, body: string) => {
    const [host, port] = fleet.proxy.address.split(":");
    const raw = connect({ host, port: Number(port) });
    raw.write(`${head}\r\nHost: a\r\nConnection: close\r\n${body}`);
    return text(raw);
  };
  const deleted = await send("DELETE / HTTP/1.1", `Transfer-Encoding: chunked\r\n\r\n${chunked}`);
  expect(deleted).toContain(`"bytes":${hidden.length}`);
  const both = await send(
    "POST / HTTP/1.1",
    `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
  );
  expect(both).toContain("400");
  const obfuscated = await send("POST / HTTP/1.1", `Transfer-Encoding: xchunked\r\n\r\n${chunked}`);
  expect(obfuscated).toContain("501");
  const coded = await send("POST / HTTP/1.1", `Transfer-Encoding: gzip, chunked\r\n\r\n${chunked}`);
  expect(coded).toContain("501");
  const twoHosts = await send("GET / HTTP/1.1", "Host: b\r\n\r\n");
  expect(twoHosts).toContain("400");
  expect(fleet.upstream.requests.map(({ url }) => url)).not.toContain("/hidden");
});

test("an unreachable coderd is reported, as JSON or as a page", async () => {
  const clock = createFakeClock();
  await using fleet = await startFleet({}, clock);
  await fleet.upstream[Symbol.asyncDispose]();
  const json = await passing(clock, fetchFrom(fleet.proxy.address, "/api/v2/users/me"));
  expect(json.status).toBe(502);
  expect(JSON.parse(json.text).message).toMatch(/control plane is unavailable/);
  const asPerson = { headers: { Accept: "text/html" } };
  const page = await passing(clock, fetchFrom(fleet.proxy.address, "/workspaces", asPerson));
  expect(page.status).toBe(502);
  expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
  expect(page.text).toContain("<h1>The control plane is unavailable</h1>");
});

test("the front door serves HTTPS too, and tells coderd", async () => {
  await using fleet = await startFleet({ tls: { ...SELF_SIGNED, address: "127.0.0.1:0" } });
  const socket = new WebSocket(`wss://${fleet.proxy.tlsAddress}/watch`, { rejectUnauthorized: false });
  await once(socket, "open");
  socket.send("ping");
  const [message] = await once(socket, "message");
  expect(String(message)).toBe("ping");
  expect(fleet.upstream.requests[0]!.headers["x-forwarded-proto"]).toBe("https");
  socket.close();
});

test("a port in use is reported", async () => {
  await using fleet = await startFleet();
  await expect(fleet.addReplica({ httpAddress: fleet.proxy.address })).rejects.toThrow(
    /Address 127\.0\.0\.1:\d+ is already in use\. Stop the other program, or set CODER_HTTP_ADDRESS/,
  );
});

test("an h2c upgrade is handled as an ordinary request, and an upgrade has no body", async () => {
  await using fleet = await startFleet();
  const offer = {
    Connection: "Upgrade, HTTP2-Settings",
    Upgrade: "h2c",
    "HTTP2-Settings": "AAMAAABkAAQAoAAAAAIAAAAA",
  };
  const posted = await fetchFrom(fleet.proxy.address, "/", { method: "POST", headers: offer, body: "hello" });
  expect(JSON.parse(posted.text).bytes).toBe(5);
  const upgrade = { Connection: "Upgrade", Upgrade: "websocket" };
  const reply = await fetchFrom(fleet.proxy.address, "/", {
    method: "POST",
    headers: upgrade,
    body: "hello",
  });
  expect(reply.status).toBe(400);
});

test("headers beyond the limit are rejected", async () => {
  await using fleet = await startFleet();
  const reply = await fetchFrom(fleet.proxy.address, "/", {
    headers: { "X-Long": "a".repeat(LIMITS.headerBytes) },
  });
  expect(reply.status).toBe(431);
});

test("a large download arrives unchanged", async () => {
  await using fleet = await startFleet();
  const sent = Buffer.alloc(20_000_000, "0123456789abcdef-");
  fleet.upstream.handler = (_request, response) => response.end(sent);
  const reply = await fetchFrom(fleet.proxy.address, "/");
  expect(reply.body.equals(sent)).toBe(true);
});

test("coderd can answer before the body has arrived", async () => {
  await using fleet = await startFleet();
  fleet.upstream.handler = (_request, response) => response.writeHead(413).end("enough");
  const [host, port] = fleet.proxy.address.split(":");
  const socket = connect(Number(port), host);
  await once(socket, "connect");
  socket.write("POST /api/v2/files HTTP/1.1\r\nHost: coder.test\r\nContent-Length: 99000000\r\n\r\n");
  const [head] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  expect(String(head)).toMatch(/^HTTP\/1\.1 413 /);
});
