import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { duplexPair, pipeline } from "node:stream";
import { text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import { FleetError } from "@fleet/base";
import { createTunnelAgent } from "./http-agent.js";
import { createTunnel, type PendingStream } from "./index.js";

/** A tunnel whose far end connects each stream to an HTTP server that answers with the request's path. */
async function fixture(answer = relay) {
  const server = createServer((message, response) => {
    if (message.url === "/last") response.setHeader("connection", "close");
    response.end(message.url);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const [near, far] = duplexPair();
  let opened = 0;
  createTunnel(far!, {
    role: "server",
    onStream(pending) {
      opened++;
      answer(pending, port);
    },
  });
  const tunnel = createTunnel(near!, { role: "client" });
  const agent = createTunnelAgent(tunnel, { kind: "http", target: `127.0.0.1:${port}` });
  return {
    tunnel,
    server,
    opened: () => opened,
    get: (path: string) =>
      new Promise<string>((resolve, reject) => {
        request({ agent, path, host: "app" }, (response) => text(response).then(resolve, reject))
          .on("error", reject)
          .end();
      }),
    async [Symbol.asyncDispose]() {
      agent.destroy();
      tunnel.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function relay(pending: PendingStream, port: number): void {
  const stream = pending.accept();
  const socket = connect(port, "127.0.0.1");
  pipeline(stream, socket, stream, () => {});
}

test("requests in turn share one kept-alive stream, requests at once have one each", async () => {
  await using app = await fixture();
  expect(await app.get("/1")).toBe("/1");
  expect(await app.get("/2")).toBe("/2");
  expect(app.opened()).toBe(1);
  const paths = Array.from({ length: 20 }, (_, index) => `/${index}`);
  expect(await Promise.all(paths.map(app.get))).toEqual(paths);
  expect(app.opened()).toBe(20);
});

test("a stream that the server ended is not used again", async () => {
  await using app = await fixture();
  expect(await app.get("/last")).toBe("/last");
  expect(await app.get("/next")).toBe("/next");
  expect(app.opened()).toBe(2);
});

test("a stream that the server closed while it was idle leaves the pool", async () => {
  await using app = await fixture();
  expect(await app.get("/1")).toBe("/1");
  app.server.closeIdleConnections();
  for (let turns = 0; app.tunnel.stats().streams > 0 && turns < 100_000; turns++) await turn();
  expect(await app.get("/2")).toBe("/2");
  expect(app.opened()).toBe(2);
});

test("a refusal is the request's error", async () => {
  await using app = await fixture((pending) =>
    pending.refuse(new FleetError("not_found", "Nothing listens on port 8080.")),
  );
  await expect(app.get("/")).rejects.toMatchObject({
    code: "not_found",
    message: "Nothing listens on port 8080.",
  });
});

test("a request on a closed tunnel fails at once", async () => {
  await using app = await fixture();
  app.tunnel.close();
  await expect(app.get("/")).rejects.toMatchObject({ code: "unavailable" });
});
