import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { quickFetch } from "./quick-fetch.js";

async function serve(listener: RequestListener): Promise<AsyncDisposable & { url: string }> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const get: RequestInit = { method: "GET", headers: {} };
const JSON_TYPE = { "Content-Type": "application/json; charset=utf-8" };

test.each(["POST", "DELETE"])(
  "%s sends and reads JSON, compressed or not, with its status",
  async (method) => {
    await using server = await serve(async (request, response) => {
      const body = JSON.stringify({ got: await text(request), as: request.headers["content-type"], ü: "µ" });
      if (request.url === "/plain") return void response.writeHead(409, JSON_TYPE).end(body);
      response.writeHead(201, { ...JSON_TYPE, "Content-Encoding": "gzip" }).end(gzipSync(body));
    });
    const init = { method, headers: { "content-type": "application/json" }, body: "[1]" };
    for (const [path, status] of [
      ["/plain", 409],
      ["/packed", 201],
    ] as const) {
      const response = await quickFetch(`${server.url}${path}`, init);
      expect(response).toMatchObject({ status, ok: status < 300, url: `${server.url}${path}` });
      expect(await response.json()).toEqual({ got: "[1]", as: "application/json", ü: "µ" });
    }
  },
);

test("redirects are followed, and other content is a whole Response", async () => {
  await using server = await serve((request, response) => {
    if (request.url === "/old") return void response.writeHead(301, { Location: "/file" }).end();
    response.writeHead(200, { "Content-Type": "text/plain", "Content-Encoding": "gzip", "X-Kind": "file" });
    response.end(gzipSync("content"));
  });
  const redirected = await quickFetch(`${server.url}/old`, get);
  expect(redirected).toMatchObject({ status: 200, url: `${server.url}/file` });
  const direct = await quickFetch(`${server.url}/file`, get);
  expect(direct.headers.get("x-kind")).toBe("file");
  expect(await Promise.all([redirected.text(), direct.text()])).toEqual(["content", "content"]);
});

test("a response without a body has none", async () => {
  await using server = await serve((_request, response) => void response.writeHead(204).end());
  const response = await quickFetch(server.url, get);
  expect(response).toMatchObject({ status: 204, ok: true, body: null });
});

test("a refused connection, a cut response and an abort are errors with their codes", async () => {
  await using server = await serve((request, response) => {
    if (request.url === "/silent") return;
    response.writeHead(200, { ...JSON_TYPE, "Content-Length": "100" }).write("{");
    response.destroy();
  });
  await expect(quickFetch("http://127.0.0.1:9/", get)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  const cut = (async () => (await quickFetch(`${server.url}/cut`, get)).json())();
  await expect(cut).rejects.toMatchObject({ code: "ECONNRESET" });
  const abort = new AbortController();
  const silent = quickFetch(`${server.url}/silent`, { ...get, signal: abort.signal });
  abort.abort();
  await expect(silent).rejects.toMatchObject({ name: "AbortError" });
});
