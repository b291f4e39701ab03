import { connect } from "node:net";
import type { Findings } from "./findings.js";

/** The server waits thirty seconds for a stalled body; then it responds. */
const HANG_MS = 60_000;

/** Requests that no HTTP library sends. Each starts with a method and has no Host unless the case adds one. */
function everyRequest(token: string): readonly [what: string, bytes: string | Buffer, ends?: boolean][] {
  const head = (line: string, ...headers: string[]) =>
    `${[line, "Host: localhost", `Coder-Session-Token: ${token}`, ...headers].join("\r\n")}\r\n\r\n`;
  const upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
  const groups = "POST /api/v2/organizations/default/groups HTTP/1.1";
  return [
    ["a path of two slashes", head("GET //api/v2/users HTTP/1.1")],
    ["slashes alone", head("GET /// HTTP/1.1")],
    ["no path", head("GET * HTTP/1.1")],
    ["all of the server", head("OPTIONS * HTTP/1.1")],
    ["an absolute address", head("GET http://elsewhere.example/api/v2/users HTTP/1.1")],
    ["an address with a user", head("GET //user:secret@[::1/api HTTP/1.1")],
    ["a path that is no UTF-8", Buffer.from(head("GET /api/v2/users/\xff\xfe HTTP/1.1"), "latin1")],
    ["a stray % in a stream's path", head("GET /api/v2/workspaceagents/%ZZ/pty HTTP/1.1", ...upgrade, key)],
    ["an upgrade of a plain route", head("GET /api/v2/users HTTP/1.1", ...upgrade, key)],
    ["an upgrade without a key", head("GET /api/v2/notifications/inbox/watch HTTP/1.1", ...upgrade)],
    [
      "an upgrade to what is not known",
      head("GET /api/v2/debug/ws HTTP/1.1", "Connection: Upgrade", "Upgrade: x"),
    ],
    ["an upgrade by POST", head("POST /api/v2/debug/ws HTTP/1.1", ...upgrade, key)],
    [
      "an upgrade with a stray cookie",
      head(
        "GET /api/v2/notifications/inbox/watch HTTP/1.1",
        ...upgrade,
        key,
        "Cookie: coder_session_token=%",
      ),
    ],
    [
      "an upgrade at a bad query",
      head("GET /api/v2/notifications/inbox/watch?targets=%00 HTTP/1.1", ...upgrade, key),
    ],
    [
      "an agent's path without a token",
      "GET /api/v2/workspaceagents/me/rpc HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: coder-agent-rpc/1\r\n\r\n",
    ],
    ["the token twice", head("GET /api/v2/users/me HTTP/1.1", `Coder-Session-Token: ${token}`)],
    ["two hosts", head("GET /api/v2/users/me HTTP/1.1", "Host: elsewhere.example")],
    ["two lengths", `${head(groups, "Content-Length: 2", "Content-Length: 3")}{}`],
    ["a length and chunks", `${head(groups, "Content-Length: 2", "Transfer-Encoding: chunked")}{}`],
    ["a length that is none", `${head(groups, "Content-Length: x")}{}`],
    ["a chunk whose size is none", `${head(groups, "Transfer-Encoding: chunked")}zz\r\n{}\r\n0\r\n\r\n`],
    ["NUL in a header", head("GET /api/v2/users/me HTTP/1.1", "X-A: a\0b")],
    ["a folded header", head("GET /api/v2/users/me HTTP/1.1", "X-A: a\r\n b")],
    ["headers without end", head("GET /api/v2/users/me HTTP/1.1", `X-A: ${"a".repeat(200_000)}`)],
    ["a method that nobody knows", head("BREW /api/v2/users HTTP/1.1")],
    ["HTTP/1.0", "GET /api/v2/buildinfo HTTP/1.0\r\n\r\n"],
    ["HTTP/9.9", "GET /api/v2/buildinfo HTTP/9.9\r\nHost: localhost\r\n\r\n"],
    ["a body that is cut off", `${head(groups, "Content-Length: 100")}{"name":"a`, true],
    ["chunks that are cut off", `${head(groups, "Transfer-Encoding: chunked")}5\r\n{"na`, true],
    ["a body that stands still", `${head(groups, "Content-Length: 100")}{"name":"a`],
    ["chunks that stand still", `${head(groups, "Transfer-Encoding: chunked")}5\r\n{"na`],
    ["a body that nobody asked for", `${head("GET /api/v2/users/me HTTP/1.1", "Content-Length: 5")}hello`],
    [
      "an upload without a session",
      "POST /api/v2/files HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-tar\r\nContent-Length: 99000000\r\n\r\nx",
    ],
    [
      "a body announced as too large",
      head("POST /api/v2/files HTTP/1.1", "Content-Type: application/x-tar", "Content-Length: 999999999999"),
    ],
    ["a body that waits for 100", `${head(groups, "Expect: 100-continue", "Content-Length: 2")}{}`],
  ];
}

/** Sends each, and expects a response that is not a server error, or a closed connection. */
export async function sendRaw(url: string, token: string, findings: Findings): Promise<void> {
  const { hostname, port } = new URL(url);
  await Promise.all(
    everyRequest(token).map(async ([what, bytes, ends]) => {
      findings.cases += 1;
      const answer = await exchange(hostname, Number(port), bytes, ends ?? false);
      if (answer === "hang") findings.add("hangs", "raw", what);
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1];
      if (status?.startsWith("5")) findings.add("server_errors", "raw", `${what}: ${answer.slice(0, 300)}`);
    }),
  );
}

/** The first bytes of the response; empty if the connection closed without one. */
function exchange(host: string, port: number, bytes: string | Buffer, ends: boolean): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const timer = setTimeout(() => end("hang"), HANG_MS);
    let text = "";
    const end = (answer: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      // A 1xx response is not final.
      if (text.replace(/^HTTP\/1\.1 100 [^\r]*\r\n\r\n/, "").includes("\r\n\r\n"))
        end(text.replace(/^HTTP\/1\.1 100 [^\r]*\r\n\r\n/, ""));
    });
    socket.once("error", () => end(""));
    socket.once("close", () => end(text));
    socket.once("connect", () => {
      socket.write(bytes);
      if (ends) socket.end();
    });
  });
}
