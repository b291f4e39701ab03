import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type Client, createClient } from "./client.js";

const id = "3f8c5b6e-7c1b-4f0e-9a51-8f2f3a4c5d6e";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A deployment that handles the first `count` requests with `meet`, once they have been fully received. */
async function serve(count: number, meet: Handler) {
  const requests: { method: string; body: string; key: string | undefined }[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const key = request.headers["idempotency-key"] as string | undefined;
      requests.push({ method: request.method!, body, key });
      if (requests.length <= count) meet(request, response);
      else response.setHeader("Content-Type", "application/json").end('{"id":"made"}');
    });
  });
  const port = await listen(server, 0);
  const url = `http://127.0.0.1:${port}`;
  let retries = 0;
  const retry = { limitMs: 10_000, onRetry: () => (retries += 1) };
  return {
    url,
    port,
    server,
    requests,
    retries: () => retries,
    client: createClient({ baseUrl: url, retry }),
    [Symbol.asyncDispose]: () => close(server),
  };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  if (server.listening) await new Promise((resolve) => server.close(resolve));
}

const cut: Handler = (request) => request.socket.destroy();
const status =
  (code: number): Handler =>
  (_request, response) =>
    response.writeHead(code).end("<html>");

const repeatable: [string, (client: Client) => Promise<unknown>][] = [
  ["a GET", (client) => client.workspaceGet({ params: { workspace: id } })],
  [
    "a PUT",
    (client) =>
      client.workspaceExtend({ params: { workspace: id }, body: { deadline: "2026-01-01T00:00:00Z" } }),
  ],
  [
    "a POST that takes a key",
    (client) => client.workspaceBuildCreate({ params: { workspace: id }, body: { transition: "stop" } }),
  ],
];

describe("a client that retries", () => {
  it.each(repeatable)("retries %s until it is answered, as one request", async (_name, call) => {
    for (const meet of [cut, status(502), status(503), status(504)]) {
      await using server = await serve(2, meet);
      expect(await call(server.client)).toEqual({ id: "made" });
      expect(server.requests).toHaveLength(3);
      expect(new Set(server.requests.map((request) => JSON.stringify(request))).size).toBe(1);
      expect(server.requests[0]!.key === undefined).toBe(server.requests[0]!.method !== "POST");
      expect(server.retries()).toBe(1);
    }
  });

  it("uses a new idempotency key for each call", async () => {
    await using server = await serve(0, cut);
    const call = repeatable[2]![1];
    await call(server.client);
    await call(server.client);
    expect(server.requests[0]!.key).toMatch(/^[0-9a-f]{32}$/);
    expect(server.requests[0]!.key).not.toBe(server.requests[1]!.key);
  });

  it("sends a non-repeatable request once", async () => {
    const call = (client: Client) =>
      client.workspaceUpdate({ params: { workspace: id }, body: { name: "x" } });
    for (const meet of [cut, status(503)]) {
      await using server = await serve(1, meet);
      await expect(call(server.client)).rejects.toMatchObject({ code: "unavailable" });
      expect(server.requests).toHaveLength(1);
    }
  });

  it("waits while connections are refused, for any request", async () => {
    await using server = await serve(0, cut);
    await close(server.server);
    const answers = Promise.all([
      server.client.workspaceUpdate({ params: { workspace: id }, body: { name: "x" } }),
      server.client.fileUpload({ body: new Uint8Array(3_000_000), contentType: "application/x-tar" }),
      ...repeatable.map(([, call]) => call(server.client)),
    ]);
    while (server.retries() < 5) await new Promise((resolve) => setImmediate(resolve));
    await listen(server.server, server.port);
    await answers;
    expect(server.requests).toHaveLength(5);
  });

  it("passes on the deployment's own errors and broken responses", async () => {
    for (const code of [400, 401, 404, 409, 500]) {
      await using server = await serve(1, status(code));
      await expect(repeatable[0]![1](server.client)).rejects.toThrow(String(code));
      expect(server.requests).toHaveLength(1);
    }
    await using server = await serve(1, (_request, response) => {
      response.writeHead(200, { "Content-Length": 100 });
      response.write("{", () => response.destroy());
    });
    await expect(repeatable[0]![1](server.client)).rejects.toMatchObject({ code: "unavailable" });
    expect(server.requests).toHaveLength(1);
  });

  it("gives up after its time limit or when canceled", async () => {
    await using server = await serve(1_000, cut);
    const impatient = createClient({ baseUrl: server.url, retry: { limitMs: 200 } });
    await expect(impatient.userFirst()).rejects.toMatchObject({ code: "unavailable" });
    expect(server.requests.length).toBeGreaterThan(1);
    const stop = new AbortController();
    const called = server.client.workspaceGet({ params: { workspace: id }, signal: stop.signal });
    while (server.retries() === 0) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await expect(called).rejects.toMatchObject({ code: "canceled" });
  });
});
