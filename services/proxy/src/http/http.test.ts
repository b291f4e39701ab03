import { createServer, type IncomingMessage } from "node:http";
import { duplexPair } from "node:stream";
import { text } from "node:stream/consumers";
import { readCookie } from "@fleet/app-url";
import { captureLogs } from "@fleet/testkit";
import { createClientFacts } from "./client-facts.js";
import { endToEnd } from "./headers.js";
import { listen } from "./listen.js";
import { createPages } from "./pages.js";
import { splice } from "./splice.js";

const from = (remoteAddress: string, headers: Record<string, string>) =>
  ({ socket: { remoteAddress }, headers: { host: "A.test", ...headers } }) as unknown as IncomingMessage;

test("forwarded addresses are used up to the first untrusted hop", () => {
  const factsOf = createClientFacts({ origins: ["10.0.0.0/8", "::1"], headers: [] });
  const forwarded = { "x-forwarded-for": "1.1.1.1, 2.2.2.2, 10.1.1.1", "x-forwarded-proto": "https" };
  expect(factsOf(from("9.9.9.9", forwarded))).toMatchObject({
    address: "9.9.9.9",
    proto: "http",
    host: "a.test",
  });
  expect(factsOf(from("::ffff:10.0.0.1", forwarded))).toMatchObject({ address: "2.2.2.2", proto: "https" });
  expect(factsOf(from("::1", { "x-forwarded-for": "[2001:db8::1]:443" })).address).toBe("2001:db8::1");
  expect(factsOf(from("10.0.0.1", { "x-forwarded-for": "nonsense" })).address).toBe("10.0.0.1");
});

test("a configured header takes precedence, and an invalid range is reported", () => {
  const factsOf = createClientFacts({ origins: ["10.0.0.0/8"], headers: ["CF-Connecting-IP"] });
  const headers = { "cf-connecting-ip": "3.3.3.3", "x-forwarded-for": "1.1.1.1" };
  expect(factsOf(from("10.0.0.1", headers)).address).toBe("3.3.3.3");
  for (const origin of ["10.0.0.0/40", "all", "10.0.0.0/-1"]) {
    expect(() => createClientFacts({ origins: [origin], headers: [] })).toThrow("is not a valid CIDR range");
  }
});

test("hop-by-hop headers are removed, but never those that frame the request", () => {
  const raw = [
    "Host",
    "a",
    "Connection",
    "X-Mine, host, content-length",
    "X-Mine",
    "1",
    "Content-Length",
    "3",
  ];
  expect(endToEnd([...raw, "TE", "trailers", "Upgrade", "h2c", "X-Two", "1", "X-Two", "2"])).toEqual([
    "Host",
    "a",
    "Content-Length",
    "3",
    "X-Two",
    "1",
    "X-Two",
    "2",
  ]);
});

test("a cookie is matched by its full name", () => {
  expect(readCookie("ab=1; b=2; b=3", "b")).toBe("2");
  expect(readCookie('a="q"; flag', "a")).toBe("q");
  expect(readCookie("ab=1", "b")).toBeUndefined();
  expect(readCookie(undefined, "b")).toBeUndefined();
});

test("error pages are escaped, and link only to http(s) URLs", () => {
  const page = {
    status: 404,
    title: "<script>",
    message: `"&'`,
    action: { url: "javascript:x", label: "go" },
  };
  const { body, headers } = createPages().render(page);
  expect(body).not.toContain("<script>");
  expect(body).not.toContain("javascript:");
  expect(headers?.["Content-Security-Policy"]).toMatch(/^default-src 'none'; style-src 'sha256-/);
});

test("a server that cannot accept a connection keeps serving the others", async () => {
  const logs = captureLogs();
  const server = createServer((_request, response) => response.end("served"));
  const listening = await listen(server, "127.0.0.1:0", "X", logs.logger);
  server.emit("error", Object.assign(new Error("accept EMFILE"), { code: "EMFILE" }));
  expect(logs.text()).toContain("accept EMFILE");
  expect(await (await fetch(`http://${listening.address}`)).text()).toBe("served");
  await listening.close();
});

test("a splice keeps half-close and counts both directions", async () => {
  const [client, left] = duplexPair();
  const [right, server] = duplexPair();
  const spliced = splice(left!, right!);
  client!.end("question");
  expect(await text(server!)).toBe("question");
  server!.end("the answer");
  expect(await text(client!)).toBe("the answer");
  expect(await spliced).toEqual({ bytesIn: 8, bytesOut: 10, error: undefined });
});

test("a splice with one broken side closes the other", async () => {
  const [client, left] = duplexPair();
  const [right] = duplexPair();
  client!.on("error", () => {});
  const spliced = splice(left!, right!);
  left!.destroy(new Error("cut"));
  expect((await spliced).error?.message).toBe("cut");
  expect(right!.destroyed).toBe(true);
});
