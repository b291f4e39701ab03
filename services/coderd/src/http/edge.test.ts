import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { brotliDecompressSync, gunzipSync, gzipSync, zstdDecompressSync } from "node:zlib";
import { waitFor } from "@fleet/testkit";
import { createTestCoderd, type TestCoderd, type TestUser } from "../testing/coderd.js";

const UUID = "3f8c5b6e-7c1b-4f0e-9a51-8f2f3a4c5d6e";

type Answer = { status: number; headers: Record<string, string | string[] | undefined>; body: Buffer };

let server: TestCoderd;
let owner: TestUser;
let siteDir: string;

beforeAll(async () => {
  siteDir = await mkdtemp(join(tmpdir(), "fleet-site-"));
  await mkdir(join(siteDir, "assets"));
  await writeFile(join(siteDir, "index.html"), "<!doctype html><title>Dashboard</title>");
  await writeFile(join(siteDir, "assets/app.js"), "0;".repeat(5_000));
  await writeFile(join(siteDir, "assets/app.js.gz"), gzipSync("0;".repeat(5_000)));
  server = await createTestCoderd({ env: { CODER_SITE_DIR: siteDir } });
  owner = await server.owner();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(siteDir, { recursive: true });
});

/** Sends the request verbatim: the path is not normalized and the response is not decompressed. */
function send(
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: string | Buffer; token?: string | null } = {},
): Promise<Answer> {
  const token = options.token === undefined ? owner.token : options.token;
  const { hostname, port } = new URL(server.coderd.httpUrl);
  return new Promise((resolve, reject) => {
    const call = httpRequest(
      {
        hostname,
        port,
        method,
        path,
        headers: { ...(token ? { "coder-session-token": token } : {}), ...options.headers },
      },
      async (response) =>
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body: await buffer(response),
        }),
    );
    call.once("error", reject);
    call.end(options.body);
  });
}

const json = (answer: Answer) =>
  JSON.parse(String(answer.body)) as { message: string; validations?: unknown };
const post = (path: string, body: unknown) => send("POST", path, { body: JSON.stringify(body) });

describe("invalid ids, names and numbers", () => {
  test.each([
    ["/api/v2/workspaces/x"],
    ["/api/v2/templates/x"],
    ["/api/v2/templateversions/x"],
    ["/api/v2/workspacebuilds/x"],
    ["/api/v2/files/x"],
    ["/api/v2/groups/x"],
    [`/api/v2/groups/${"-".repeat(36)}`],
    [`/api/v2/workspaces/${UUID.slice(0, -1)}g`],
    ["/api/v2/users/%00"],
    ["/api/v2/users/%ZZ"],
    ["/api/v2/users/%ED%A0%80"],
    [`/api/v2/users/${"a".repeat(129)}`],
    ["/api/v2/users/a%0Ab"],
    ["/api/v2/users/me/workspace/w/builds/99999999999"],
    ["/api/v2/users/me/workspace/w/builds/-1"],
    ["/api/v2/users?limit=-1"],
    ["/api/v2/users?limit=99999999999"],
    ["/api/v2/users?limit=1e3"],
    ["/api/v2/users?offset=0x10"],
    ["/api/v2/users?after_id=me"],
    ["/api/v2/users?q=%00"],
    [`/api/v2/workspaces/${UUID}/builds?since=0000-01-01T00:00:00Z`],
    [`/api/v2/workspaces/${UUID}/builds?since=9999-12-31T23:59:59-14:00`],
    ["/api/v2/insights/daus?tz_offset=99"],
    ["/api/v2/groups?group_ids=x"],
  ])("GET %s is 400", async (path) => {
    const answer = await send("GET", path);
    expect([answer.status, answer.headers["content-type"]]).toEqual([400, "application/json; charset=utf-8"]);
    expect(json(answer).message).toMatch(/^Invalid|is invalid|Must/);
  });

  test.each([
    ["a name that holds NUL", { name: "a\0b" }],
    ["half a surrogate pair", { name: "\ud800" }],
    ["a name without end", { name: "a".repeat(10_000) }],
    ["a number where a string belongs", { name: 7 }],
    ["nothing", {}],
    ["a list", []],
    ["a string", "x"],
  ])("a group of %s is 400", async (_what, body) => {
    expect((await post("/api/v2/organizations/default/groups", body)).status).toBe(400);
  });

  test("excessively nested JSON is 400", async () => {
    const body = `{"name":"deep","display_name":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect((await send("POST", "/api/v2/organizations/default/groups", { body })).status).toBe(400);
  });

  test.each([
    ["beyond int4", { name: "big", quota_allowance: 2 ** 31 }],
    ["a fraction", { name: "half", quota_allowance: 0.5 }],
    ["negative", { name: "less", quota_allowance: -1 }],
  ])("a quota that is %s is 400", async (_what, body) => {
    expect((await post("/api/v2/organizations/default/groups", body)).status).toBe(400);
  });

  test("keys such as __proto__ are ordinary keys", async () => {
    const text =
      '{"checks":{"__proto__":{"object":{"resource_type":"user"},"action":"read"},"constructor":{"object":{"resource_type":"user"},"action":"read"}}}';
    const answer = await send("POST", "/api/v2/authcheck", { body: text });
    expect([answer.status, JSON.parse(String(answer.body)).constructor]).toEqual([200, true]);
  });
});

test("a name is matched literally, not as a pattern", async () => {
  for (const name of ["%25", "own%25", "_____", "own_r", "%5C", "owner%5C"]) {
    expect([name, (await send("GET", `/api/v2/users/${name}`)).status]).toEqual([name, 404]);
    expect([name, (await send("GET", `/api/v2/organizations/${name}`)).status]).toEqual([name, 404]);
    const found = await send("GET", `/api/v2/users?q=${name}`);
    expect([name, JSON.parse(String(found.body)).count]).toEqual([name, 0]);
  }
  expect((await send("GET", "/api/v2/users/OWNER")).status).toBe(200);
});

describe("bodies", () => {
  test.each([
    ["not JSON", "{"],
    ["cut off", '{"name":"a'],
    ["no UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])],
  ])("one that is %s is 400", async (_what, body) => {
    const answer = await send("POST", "/api/v2/organizations/default/groups", { body });
    expect([answer.status, json(answer).message]).toEqual([400, "The request body is not valid JSON."]);
  });

  test("one is read whatever its type, and decompressed", async () => {
    const body = gzipSync(JSON.stringify({ name: "packed" }));
    const headers = { "content-type": "application/x-www-form-urlencoded", "content-encoding": "gzip" };
    expect((await send("POST", "/api/v2/organizations/default/groups", { headers, body })).status).toBe(201);
    const damaged = await send("POST", "/api/v2/organizations/default/groups", {
      headers,
      body: body.subarray(0, 20),
    });
    expect(damaged.status).toBe(400);
    const unknown = { "content-encoding": "rot13" };
    expect(
      (await send("POST", "/api/v2/organizations/default/groups", { headers: unknown, body: "x" })).status,
    ).toBe(415);
  });

  test("the reported limit is the route's own, and applies to the decompressed size", async () => {
    const large = Buffer.alloc(3 * 1024 * 1024, " ");
    const plain = await send("POST", "/api/v2/organizations/default/groups", { body: large });
    expect([plain.status, json(plain).message]).toEqual([
      413,
      "The request body is larger than this route's limit of 2 MiB.",
    ]);
    const headers = { "content-encoding": "gzip" };
    const packed = await send("POST", "/api/v2/organizations/default/groups", {
      headers,
      body: gzipSync(large),
    });
    expect(packed.status).toBe(413);
  });

  test("nothing of one is read before the caller is authenticated", async () => {
    const { hostname, port } = new URL(server.coderd.httpUrl);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    // The body never arrives, so a server that waits for it does not respond.
    socket.write(
      "POST /api/v2/files HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-tar\r\nContent-Length: 50000000\r\n\r\n",
    );
    const [head] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    expect(String(head)).toMatch(/^HTTP\/1\.1 401 /);
  });
});

describe("paths, methods and sessions", () => {
  test("an unsupported method is 405 with the supported ones", async () => {
    const answer = await send("DELETE", "/api/v2/users");
    expect([answer.status, answer.headers.allow]).toEqual([405, "GET, HEAD, OPTIONS, POST"]);
    const options = await send("OPTIONS", "/api/v2/users", { token: null });
    expect([options.status, options.headers.allow]).toEqual([204, "GET, HEAD, OPTIONS, POST"]);
    const head = await send("HEAD", "/api/v2/buildinfo");
    expect([head.status, head.body.length, Number(head.headers["content-length"]) > 0]).toEqual([
      200,
      0,
      true,
    ]);
    expect((await send("POST", "/workspaces")).status).toBe(405);
  });

  test("a route that needs an upgrade says so", async () => {
    const answer = await send("GET", "/api/v2/debug/ws");
    expect([answer.status, answer.headers.upgrade]).toEqual([426, "websocket"]);
  });

  test.each([
    ["cookie: coder_session_token=%", { cookie: "coder_session_token=%" }, 401],
    ["cookie: coder_session_token=%00-%00", { cookie: "coder_session_token=a%00-b%00" }, 401],
    ["cookie: a b c; ;=; coder_session_token", { cookie: "a b c; ;=; coder_session_token" }, 401],
    ["origin: null", { origin: "null" }, 401],
  ])("%s counts as no session, without an error", async (_what, headers, status) => {
    expect((await send("GET", "/api/v2/users", { headers, token: null })).status).toBe(status);
    expect((await send("GET", "/api/v2/buildinfo", { headers, token: null })).status).toBe(200);
  });

  test.each([
    ["/.well-known/openid-configuration"],
    ["/.well-known/oauth-protected-resource/api"],
    ["/oauth2"],
    ["/oauth2/token"],
    ["/latency-check"],
    ["/index.html"],
    ["/assets/none.js"],
    ["/assets/app.js.gz"],
    ["/assets/..%2findex.html"],
    ["/assets"],
    ["/.env"],
    ["/bin/%ZZ"],
    ["/bin/none"],
    ["/%ZZ"],
    ["/%00"],
    ["/api/v2/workspacebuilds/%2e%2e/../users"],
    ["/../../../etc/passwd"],
    ["/assets/../index.html"],
    ["//evil.example/x"],
    ["//"],
    ["/api"],
    ["/api/v1/users"],
    ["/api/v2/licences"],
    ["/ana/dev"],
    [`/${"a/".repeat(2_000)}`],
  ])("%s is 404 with a message", async (path) => {
    for (const method of ["GET", "POST"]) {
      const answer = await send(method, path);
      expect([method, answer.status, answer.headers["content-type"]]).toEqual([
        method,
        404,
        "application/json; charset=utf-8",
      ]);
      expect(json(answer).message).toMatch(/\.$/);
    }
  });

  test.each([["/"], ["/workspaces"], ["/@ana/dev/builds/3"], ["/templates/docker/workspace"]])(
    "%s is the dashboard's page",
    async (path) => {
      const answer = await send("GET", path, { token: null });
      expect([answer.status, answer.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
      expect(answer.headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    },
  );
});

describe("compression", () => {
  test.each([
    ["zstd", "gzip, deflate, br, zstd", zstdDecompressSync],
    ["br", "gzip, br", brotliDecompressSync],
    ["gzip", "gzip;q=1.0, br;q=0.5", gunzipSync],
  ] as const)("an answer is %s for %s", async (encoding, accept, unpack) => {
    const answer = await send("GET", "/api/v2/openapi.json", { headers: { "accept-encoding": accept } });
    expect(answer.headers).toMatchObject({ "content-encoding": encoding, vary: "Accept-Encoding" });
    expect(JSON.parse(String(unpack(answer.body))).openapi).toBe("3.1.0");
    const again = await send("GET", "/api/v2/openapi.json", {
      headers: { "if-none-match": String(answer.headers.etag) },
    });
    expect([again.status, again.body.length]).toEqual([304, 0]);
  });

  test.each([["identity"], ["gzip;q=0, br;q=0"], ["*;q=0"], ["identity;q=1, gzip;q=0.5"], [""]])(
    "an answer is as it is for %j",
    async (accept) => {
      const answer = await send("GET", "/api/v2/openapi.json", { headers: { "accept-encoding": accept } });
      expect(answer.headers["content-encoding"]).toBeUndefined();
      expect(JSON.parse(String(answer.body)).openapi).toBe("3.1.0");
    },
  );

  test("small responses and events are not compressed", async () => {
    const headers = { "accept-encoding": "gzip" };
    const small = await send("GET", "/api/v2/buildinfo", { headers });
    expect(small.headers["content-encoding"]).toBeUndefined();
  });

  test("an asset is sent precompressed, with its own ETag", async () => {
    const plain = await send("GET", "/assets/app.js");
    const packed = await send("GET", "/assets/app.js", { headers: { "accept-encoding": "br, gzip" } });
    expect(packed.headers).toMatchObject({
      "content-encoding": "gzip",
      "content-type": plain.headers["content-type"],
      "cache-control": "public, max-age=31536000, immutable",
      vary: "Accept-Encoding",
    });
    expect(String(packed.headers["content-type"])).toMatch(/javascript/);
    expect(gunzipSync(packed.body).equals(plain.body)).toBe(true);
    expect(packed.headers.etag).not.toBe(plain.headers.etag);
    const again = await send("GET", "/assets/app.js", {
      headers: { "accept-encoding": "gzip", "if-none-match": String(packed.headers.etag) },
    });
    expect(again.status).toBe(304);
  });
});

test("open WebSockets are counted", async () => {
  const url = `${server.coderd.httpUrl.replace("http", "ws")}/api/v2/notifications/inbox/watch?coder_session_token=${owner.token}`;
  const socket = new WebSocket(url);
  await once(socket, "open");
  const open = 'coderd_api_concurrent_websockets{path="/api/v2/notifications/inbox/watch"}';
  const has = async (line: string) => (await server.scrape()).split("\n").includes(line);
  expect(await has(`${open} 1`)).toBe(true);
  socket.close();
  await waitFor(() => has(`${open} 0`), { what: "the WebSocket to be counted as closed" });
  const durations = "coderd_api_websocket_durations_seconds_count";
  expect(await has(`${durations}{path="/api/v2/notifications/inbox/watch"} 1`)).toBe(true);
});
