import { once } from "node:events";
import { createServer as createHttpsServer } from "node:https";
import { connect, createServer, type Socket } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { SELF_SIGNED } from "../testing/certificate.js";
import { listenLocal } from "../testing/coderd.js";
import { fetchFrom, startFleet } from "../testing/fleet.js";
import { collectWarnings } from "../testing/warnings.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** A fleet whose coderd is a raw TCP server: it sends `answer` once `whole` says that the request is complete. */
async function fleetWith(answer: string, whole = (seen: string) => seen.includes("\r\n\r\n")) {
  const sent: string[] = [];
  const server = createServer((socket: Socket) => {
    let seen = "";
    socket.on("error", () => {});
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      seen += chunk;
      if (!whole(seen)) return;
      sent.push(seen);
      seen = "";
      socket.write(answer, "latin1");
    });
  });
  const port = await listenLocal(server as never);
  const fleet = await startFleet({ coderdUrl: new URL(`http://127.0.0.1:${port}`) });
  return {
    ...fleet,
    sent,
    async [Symbol.asyncDispose]() {
      await fleet[Symbol.asyncDispose]();
      server.close();
    },
  };
}

/** Sends these bytes, which ask for `Connection: close`, and returns everything that the proxy sends. */
async function exchange(address: string, bytes: string): Promise<string> {
  const [host, port] = address.split(":");
  const socket = connect({ host, port: Number(port) });
  let seen = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    seen += chunk;
  });
  socket.write(bytes, "latin1");
  await once(socket, "close");
  return seen;
}

const ask = (head: string, extra = "") =>
  `${head} HTTP/1.1\r\nHost: coder.test\r\nConnection: close\r\n${extra}\r\n`;

// This test comes first: Node.js warns of each deprecation once per process.
test("many attempts of one request log no Node.js warning", async () => {
  await using fleet = await startFleet();
  let tries = 0;
  fleet.upstream.handler = (_request, response) => {
    tries += 1;
    if (tries < 13) response.writeHead(503, { "Retry-After": "0" });
    response.end("done");
  };
  using warnings = collectWarnings();
  const reply = await fetchFrom(fleet.proxy.address, "/x");
  expect(reply).toMatchObject({ status: 200, text: "done" });
  expect(warnings.seen).toEqual([]);
});

test.each(["/a//b/../c/./d?x=//y&z={}|", "//coder.test/x", "/%2e%2e/%zz?", "/http:/x?a?b", "/\\x'\"^`"])(
  "the path %s reaches coderd unchanged",
  async (path) => {
    await using fleet = await fleetWith(OK);
    expect(await exchange(fleet.proxy.address, ask(`GET ${path}`))).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(fleet.sent[0]!.split("\r\n")[0]).toBe(`GET ${path} HTTP/1.1`);
  },
);

test("headers reach coderd with their spelling and repetition, and one Host", async () => {
  await using fleet = await fleetWith(OK);
  const lines =
    "X-Twice: 1\r\nx-lower: a\r\nX-Twice: 2\r\nCookie: a=1\r\nConnection: x-own\r\nX-Own: 1\r\nTE: gzip\r\n";
  await exchange(fleet.proxy.address, ask("GET /x", lines));
  const head = fleet.sent[0]!.split("\r\n");
  expect(
    head.filter((line) => /^(x-twice|x-lower|cookie|host|connection|te|x-own):/i.test(line)).sort(),
  ).toEqual([
    "Connection: keep-alive",
    "Cookie: a=1",
    "Host: coder.test",
    "X-Twice: 1",
    "X-Twice: 2",
    "x-lower: a",
  ]);
});

test.each(["DELETE", "OPTIONS"])("a chunked %s with a body stays one request", async (method) => {
  // A small body is buffered and sent with its length; one too large to buffer is streamed.
  for (const [size, whole, framing] of [
    [5, (seen: string) => seen.endsWith("aaaaa"), /\r\nContent-Length: 5\r\n/],
    [3_000_000, (seen: string) => seen.endsWith("\r\n0\r\n\r\n"), /\r\nTransfer-Encoding: chunked\r\n/],
  ] as const) {
    await using fleet = await fleetWith(OK, whole);
    const body = `${size.toString(16)}\r\n${"a".repeat(size)}\r\n0\r\n\r\n`;
    const reply = await exchange(
      fleet.proxy.address,
      ask(`${method} /x`, "Transfer-Encoding: chunked\r\n") + body,
    );
    expect(reply).toMatch(/^HTTP\/1\.1 200 OK/);
    const head = fleet.sent[0]!.split("\r\n\r\n")[0]!;
    expect(`${head}\r\n`).toMatch(framing);
    expect(head.match(/content-length|transfer-encoding/gi)).toHaveLength(1);
  }
});

test("coderd decides on Expect: 100-continue if the body is not buffered", async () => {
  const refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno";
  await using refusing = await fleetWith(refusal);
  const head = ask("PATCH /a//x", "Expect: 100-continue\r\nContent-Length: 5\r\n").replace(
    "Connection: close\r\n",
    "",
  );
  expect(await exchange(refusing.proxy.address, head)).toMatch(/^HTTP\/1\.1 417 /);
  expect(refusing.sent[0]).toMatch(/^PATCH \/a\/\/x HTTP\/1\.1\r\n[\s\S]*\r\nExpect: 100-continue\r\n/);

  await using fleet = await startFleet();
  const [host, port] = fleet.proxy.address.split(":");
  const client = connect({ host, port: Number(port) });
  client.write(head);
  expect(String((await once(client, "data"))[0])).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  client.write("hello");
  expect(String((await once(client, "data"))[0])).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*"bytes":5/);
  client.destroy();
});

test("trailers are forwarded in both directions, hints and illegal reason phrases to the client", async () => {
  await using fleet = await fleetWith(
    "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" +
      "HTTP/1.1 200 \xe2\x9c\x93 a\x01b\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n",
    (seen) => seen.endsWith("0\r\nX-Sum: 8\r\n\r\n"),
  );
  const chunked = "Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n";
  const reply = await exchange(
    fleet.proxy.address,
    `${ask("PATCH /x", chunked)}2\r\nok\r\n0\r\nX-Sum: 8\r\n\r\n`,
  );
  expect(reply).toMatch(
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 /,
  );
  expect(reply).toMatch(/\r\n0\r\nX-Sum: 7\r\n\r\n$/);
});

test.each([
  ["an unrequested 101", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"],
  ["a transfer coding other than chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc"],
  ["no HTTP", "\x00\xff\x00garbage\r\n\r\n"],
])("if coderd answers with %s, the client gets 502", async (_name, answer) => {
  await using fleet = await fleetWith(answer);
  const reply = await fetchFrom(fleet.proxy.address, "/x", { method: "PATCH", body: "x" });
  expect(reply.status).toBe(502);
  expect(reply.headers["x-coder-error"]).toBe("control_plane_unavailable");
});

test("coderd's certificate must match coderd's address, not the client's Host", async () => {
  const authorities = getCACertificates("default");
  const server = createHttpsServer(SELF_SIGNED, (_request, response) => response.end("ok"));
  const port = await listenLocal(server as never);
  await using fleet = await startFleet({ coderdUrl: new URL(`https://localhost:${port}`) });
  const ask = () =>
    fetchFrom(fleet.proxy.address, "/x", { method: "PATCH", headers: { Host: "coder.test" } });
  expect((await ask()).status).toBe(502); // The certificate is not trusted.
  try {
    setDefaultCACertificates([...authorities, SELF_SIGNED.cert]);
    expect(await ask()).toMatchObject({ status: 200, text: "ok" });
  } finally {
    setDefaultCACertificates(authorities);
    server.close();
  }
});
