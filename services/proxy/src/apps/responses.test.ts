import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { waitFor } from "@fleet/testkit";
import { SELF_SIGNED } from "../testing/certificate.js";
import { listenLocal } from "../testing/coderd.js";
import { fetchFrom, startFleet, USER_TOKEN } from "../testing/fleet.js";

const PATH = "/@ana/dev.main/apps/web/";
const headers = { Cookie: `coder_session_token=${USER_TOKEN}` };

/** A fleet with an app that answers each connection's first bytes as it is told. */
async function fleetWith(answer: (socket: Socket, head: string) => void) {
  const fleet = await startFleet();
  const app = { answer };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.once("data", (head) => app.answer(socket, String(head)));
  });
  const port = await listenLocal(server as never);
  fleet.addApp({ slugOrPort: "web", url: `http://127.0.0.1:${port}` });
  await fleet.connectAgent();
  return {
    ...fleet,
    port,
    app,
    async [Symbol.asyncDispose]() {
      await fleet[Symbol.asyncDispose]();
      server.close();
    },
  };
}

/** All that one connection to the proxy gets for these bytes. */
async function exchange(address: string, bytes: string, until?: (seen: string) => boolean): Promise<string> {
  const [host, port] = address.split(":");
  const socket = connect({ host, port: Number(port) });
  let seen = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    seen += chunk;
    if (until?.(seen)) socket.destroy();
  });
  socket.write(bytes, "latin1");
  await once(socket, "close");
  return seen;
}

const ask = (extra = "", method = "GET", version = "1.1") =>
  `${method} ${PATH} HTTP/${version}\r\nHost: coder.test\r\nConnection: close\r\nCookie: ${headers.Cookie}\r\n${extra}\r\n`;

const utf8 = (text: string) => Buffer.from(text).toString("latin1");
const body = "Content-Length: 2\r\n\r\nok";

test.each([
  [
    "a reason phrase in UTF-8",
    utf8(`404 Seite nicht verfügbar 🙈\r\n${body}`),
    utf8("404 Seite nicht verfügbar 🙈"),
  ],
  ["no reason phrase", `204\r\n\r\n`, "204 No Content"],
  ["control characters in the reason phrase", `200 a\x01b\x1bc\r\n${body}`, "200 "],
  ["a status beyond all classes", `600 Odd\r\n${body}`, "600 Odd"],
  ["bytes beyond ASCII in a header", utf8(`200 OK\r\nX-Name: Grüße\r\n${body}`), utf8("X-Name: Grüße")],
  ["a body that is not compressed as it says", `200 OK\r\nContent-Encoding: gzip\r\n${body}`, "\r\nok"],
  [
    "chunk extensions",
    "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b;c\r\nok\r\n0\r\n\r\n",
    "\r\nok\r\n0\r\n",
  ],
  ["a body that ends with the connection", "200 OK\r\n\r\nok", "\r\nok"],
  [
    "many headers",
    `200 OK\r\n${Array.from({ length: 5_000 }, (_, at) => `X-${at}: ${at}\r\n`).join("")}${body}`,
    "X-4999: 4999",
  ],
  ["a head of 200 KiB", `200 OK\r\nX-Long: ${"x".repeat(200_000)}\r\n${body}`, "x".repeat(200_000)],
  ["an unasked 100", `100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n${body}`, "\r\nok"],
  [
    "a 102",
    `102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n${body}`,
    "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK",
  ],
  [
    "early hints of several links",
    `103 Early Hints\r\nLink: </a.css>; rel=preload; as=style, </b.js?x,y>; rel=preload\r\nLink: </c>; rel="preload"\r\nLink: broken\r\n\r\nHTTP/1.1 200 OK\r\n${body}`,
    'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload; as=style, </b.js?x,y>; rel=preload, </c>; rel="preload"\r\n\r\nHTTP/1.1 200 OK',
  ],
  [
    "trailers",
    "200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\nSet-Cookie: a=b\r\n\r\n",
    "\r\n0\r\nX-Sum: 7\r\n\r\n",
  ],
])("%s is forwarded", async (_name, answer, expected) => {
  await using fleet = await fleetWith((socket) => socket.end(`HTTP/1.1 ${answer}`, "latin1"));
  const seen = await exchange(fleet.proxy.address, ask());
  expect(seen).toContain(expected);
  expect(seen).not.toContain("Set-Cookie");
  expect(seen).not.toContain("X-Coder-Error");
});

test("HTTP/1.0 apps and clients use neither chunks nor interim responses", async () => {
  await using fleet = await fleetWith((socket) =>
    socket.end(`HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=x\r\n\r\nHTTP/1.0 200 OK\r\n\r\nok`),
  );
  expect(await exchange(fleet.proxy.address, ask("", "GET", "1.0"))).toMatch(
    /^HTTP\/1\.1 200 OK\r\n(?!.*chunked)[\s\S]*\r\n\r\nok$/i,
  );
});

test.each([
  ["a status of two digits", "HTTP/1.1 99 Low\r\n\r\n", "app_invalid_response"],
  ["a status of four digits", "HTTP/1.1 1000 High\r\n\r\n", "app_invalid_response"],
  ["a status below 100", "HTTP/1.1 099 Low\r\n\r\n", "app_unexpected_status"],
  ["a header without a name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n", "app_invalid_response"],
  ["a header's name with a space", "HTTP/1.1 200 OK\r\nX Y: x\r\n\r\n", "app_invalid_response"],
  ["a control character in a header", "HTTP/1.1 200 OK\r\nX-Y: a\x00b\r\n\r\n", "app_invalid_response"],
  [
    "two lengths",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "app_invalid_response",
  ],
  [
    "a length and chunks",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "app_invalid_response",
  ],
  [
    "a transfer coding",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "app_invalid_response",
  ],
  ["no HTTP", "220 mail.example ESMTP\r\n", "app_invalid_response"],
  [
    "a head without an end",
    `HTTP/1.1 200 OK\r\nX-Long: ${"x".repeat(1_100_000)}`,
    "app_response_head_too_large",
  ],
  [
    "101 that nobody asked for",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n",
    "app_unexpected_status",
  ],
  ["101 without a protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "app_unexpected_status"],
  ["a TLS alert", "\x15\x03\x01\x00\x02\x02\x46", "app_speaks_https"],
  ["HTTP/2's settings", "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00", "app_speaks_http2"],
  ["nothing", "", "app_closed_connection"],
  ["half a head", "HTTP/1.1 200 OK\r\nX-Y", "app_closed_connection"],
])("the error page explains %s", async (_name, answer, code) => {
  await using fleet = await fleetWith((socket) => socket.end(answer, "latin1"));
  const page = await fetchFrom(fleet.proxy.address, PATH, { headers: { ...headers, Accept: "text/html" } });
  expect(page).toMatchObject({ status: 502, headers: { "x-coder-error": code } });
  expect(page.text).toContain(code);
  const json = await fetchFrom(fleet.proxy.address, PATH, { method: "POST", headers, body: "x" });
  expect(json).toMatchObject({ status: 502, headers: { "x-coder-error": code } });
  expect(JSON.parse(json.text).message).toMatch(/^The .+\.$/);
});

test("an app that resets the connection gets its own error page", async () => {
  await using fleet = await fleetWith((socket) => socket.resetAndDestroy());
  const reply = await fetchFrom(fleet.proxy.address, PATH, { headers });
  expect(reply.headers["x-coder-error"]).toBe("app_closed_connection");
});

test.each([
  ["a chunk that is cut", "Transfer-Encoding: chunked\r\n\r\nff\r\npart"],
  ["a chunk's size that is no number", "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n"],
  ["a body that is shorter than it says", "Content-Length: 100\r\n\r\npart"],
])("%s aborts the response", async (_name, answer) => {
  await using fleet = await fleetWith((socket) => socket.end(`HTTP/1.1 200 OK\r\n${answer}`));
  await expect(fetchFrom(fleet.proxy.address, PATH, { headers })).rejects.toThrow("aborted");
});

test("HTTP to a TLS port and the reverse are distinguished", async () => {
  await using fleet = await fleetWith((socket) => socket.end(`HTTP/1.1 200 OK\r\n${body}`));
  const tls = createTlsServer(SELF_SIGNED, (socket) => socket.end());
  const port = await listenLocal(tls as never);
  fleet.addApp({ slugOrPort: "tls", url: `http://127.0.0.1:${port}` });
  fleet.addApp({ slugOrPort: "plain", url: `https://127.0.0.1:${fleet.port}` });
  const codeOf = async (slug: string) => {
    const reply = await fetchFrom(fleet.proxy.address, `/@ana/dev.main/apps/${slug}/`, { headers });
    expect(reply.status).toBe(502);
    return [reply.headers["x-coder-error"], JSON.parse(reply.text).message];
  };
  expect(await codeOf("plain")).toEqual(["app_speaks_http", expect.stringContaining("http://")]);
  const [code, message] = await codeOf("tls");
  // A TLS server may send an alert, or close without one.
  expect(["app_speaks_https", "app_closed_connection"]).toContain(code);
  expect(message).toContain("HTTPS");
  tls.close();
});

test("the app decides on Expect: 100-continue", async () => {
  await using fleet = await fleetWith((socket, head) => {
    expect(head).toMatch(/\r\nExpect: 100-continue\r\n/i);
    socket.end("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno");
  });
  const expecting = ask("Expect: 100-continue\r\nContent-Length: 5\r\n", "PUT").replace(
    "Connection: close\r\n",
    "",
  );
  const refused = await exchange(fleet.proxy.address, expecting);
  expect(refused).toMatch(/^HTTP\/1\.1 417 [\s\S]*Connection: close\r\n[\s\S]*no$/);

  fleet.app.answer = (socket) => {
    socket.write("HTTP/1.1 100 Continue\r\n\r\n");
    socket.once("data", (sent) => socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n${sent}`));
  };
  const [host, port] = fleet.proxy.address.split(":");
  const client = connect({ host, port: Number(port) });
  client.write(expecting);
  expect(String((await once(client, "data"))[0])).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  client.write("hello");
  expect(String((await once(client, "data"))[0])).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*hello$/);
  client.destroy();
});

test("request trailers and TE reach the app", async () => {
  const seen = Promise.withResolvers<string>();
  await using fleet = await fleetWith((socket, head) => {
    let all = head;
    const look = () => {
      if (!all.includes("0\r\nX-Sum")) return;
      seen.resolve(all);
      socket.end(`HTTP/1.1 200 OK\r\n${body}`);
    };
    socket.on("data", (chunk) => {
      all += chunk;
      look();
    });
    look();
  });
  const chunked = "TE: trailers\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n";
  await exchange(fleet.proxy.address, `${ask(chunked, "POST")}2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n`);
  const request = await seen.promise;
  expect(request).toMatch(/\r\nTE: trailers\r\nConnection: TE\r\n/i);
  expect(request).toMatch(/\r\nTrailer: X-Sum\r\n/i);
  expect(request).toContain("0\r\nX-Sum: 7\r\n\r\n");
});

test.each([
  ["101 without a protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
  ["a status below 100", "HTTP/1.1 042 Answer\r\n\r\n"],
  ["nothing", ""],
  ["no HTTP", "\x00\xff\x00garbage\r\n\r\n"],
])("a WebSocket handshake answered with %s is reported to the client", async (_name, answer) => {
  await using fleet = await fleetWith((socket) => socket.end(answer, "latin1"));
  const upgrade = ask("Upgrade: websocket\r\n").replace("Connection: close", "Connection: Upgrade");
  expect(await exchange(fleet.proxy.address, upgrade)).toMatch(/^HTTP\/1\.1 502 [\s\S]*X-Coder-Error: app_/);
});

test("a WebSocket handshake keeps non-ASCII bytes", async () => {
  const name = utf8("Grüße");
  await using fleet = await fleetWith((socket) =>
    socket.end(
      `HTTP/1.1 101 ${name}\r\nConnection: Upgrade\r\nUpgrade: x\r\nX-Name: ${name}\r\n\r\nbytes`,
      "latin1",
    ),
  );
  const upgrade = ask("Upgrade: x\r\n").replace("Connection: close", "Connection: Upgrade");
  const seen = await exchange(fleet.proxy.address, upgrade, (text) => text.endsWith("bytes"));
  expect(seen).toContain(`X-Name: ${name}\r\n`);
});

test("an app that violates the protocol on a kept connection affects only its own requests", async () => {
  let count = 0;
  await using fleet = await fleetWith((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${body}`);
    if (count++ === 0) setImmediate(() => socket.write("HTTP/1.1 999 unasked\r\n\r\n\x00\x00\x00"));
  });
  expect((await fetchFrom(fleet.proxy.address, PATH, { headers })).text).toBe("ok");
  await waitFor(async () => (await fetchFrom(fleet.proxy.address, PATH, { headers })).text === "ok", {
    what: "a sound connection",
  });
});
