import { once } from "node:events";
import { createServer } from "node:https";
import { connect } from "node:net";
import { captureLogs, waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import { SELF_SIGNED } from "../testing/certificate.js";
import { listenLocal } from "../testing/coderd.js";
import {
  AGENT_ID,
  fetchFrom,
  startFleet,
  startRequest,
  USER_ID,
  USER_TOKEN,
  WORKSPACE_ID,
} from "../testing/fleet.js";
import { collectWarnings } from "../testing/warnings.js";

const HOST = "web--main--dev--ana.apps.test";
const PATH = "/@ana/dev.main/apps/web";
const signedIn = { Cookie: `coder_session_token=${USER_TOKEN}` };
const onHost = { Host: HOST, Cookie: `coder_subdomain_app_session_token=${USER_TOKEN}` };
const browser = { Accept: "text/html,*/*" };

async function fleetWithApp(options: Parameters<typeof startFleet>[0] = {}) {
  const fleet = await startFleet(options);
  const web = await fleet.startWeb();
  const app = fleet.addApp({ slugOrPort: "web", url: `http://127.0.0.1:${web.port}` });
  const agent = await fleet.connectAgent();
  return { ...fleet, web, app, agent, [Symbol.asyncDispose]: () => fleet[Symbol.asyncDispose]() };
}

test("a path app gets the request without anything of the deployment's", async () => {
  await using fleet = await fleetWithApp();
  const reply = await fetchFrom(fleet.proxy.address, `${PATH}/api/items?page=2`, {
    method: "POST",
    headers: {
      Host: "coder.test",
      Cookie: `theme=dark; coder_session_token=${USER_TOKEN}; csrf_token=c; __Host-coder_session_token=${USER_TOKEN}; own="a b"`,
      "Coder-Session-Token": USER_TOKEN,
      "X-CSRF-TOKEN": "c",
      "X-Forwarded-For": "6.6.6.6",
      Connection: "close, X-Secret",
      "X-Secret": "hop",
      Authorization: "Basic app",
      "Content-Length": 5,
    },
    body: "hello",
  });
  expect(reply.status).toBe(200);
  const seen = JSON.parse(reply.text);
  expect(seen).toMatchObject({ method: "POST", url: "/api/items?page=2", bytes: 5 });
  expect(seen.headers).toMatchObject({
    host: "coder.test",
    cookie: 'theme=dark; own="a b"',
    authorization: "Basic app",
    "x-forwarded-for": "127.0.0.1",
  });
  expect(reply.text).not.toContain(USER_TOKEN);
  expect(seen.headers).not.toHaveProperty("x-secret");
  // The app may have a token of its own against forged requests (Rails, Laravel, Django).
  expect(seen.headers).toMatchObject({ "x-csrf-token": "c" });
});

test("a path app's address ends with a slash", async () => {
  await using fleet = await fleetWithApp();
  const reply = await fetchFrom(fleet.proxy.address, `${PATH}?a=1`, { headers: signedIn });
  expect(reply.status).toBe(303);
  expect(reply.headers.location).toBe(`${PATH}/?a=1`);
});

test("an app's own query is put to its first page", async () => {
  await using fleet = await fleetWithApp();
  fleet.app.url += "/base/?folder=/home/ana";
  const first = await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  expect(first.headers.location).toBe(`${PATH}/?folder=/home/ana`);
  const second = await fetchFrom(fleet.proxy.address, first.headers.location!, { headers: signedIn });
  expect(JSON.parse(second.text).url).toBe("/base/?folder=/home/ana");
});

test("an app sets cookies for itself only, and none of the deployment's", async () => {
  await using fleet = await fleetWithApp();
  fleet.web.handler = (_request, response) => {
    response.setHeader("Set-Cookie", [
      "coder_session_token=stolen; Path=/",
      "coder_subdomain_app_session_token=stolen",
      "own=1; Path=/; Domain=apps.test; HttpOnly",
    ]);
    response.setHeader("Service-Worker-Allowed", "/");
    response.setHeader("Clear-Site-Data", '"cookies"');
    response.end();
  };
  const path = await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  expect(path.headers["set-cookie"]).toEqual([`own=1; HttpOnly; Path=${PATH}`]);
  expect(path.headers).not.toHaveProperty("service-worker-allowed");
  expect(path.headers).not.toHaveProperty("clear-site-data");
  const host = await fetchFrom(fleet.proxy.address, "/", { headers: onHost });
  const [own, ...signed] = host.headers["set-cookie"]!;
  expect(own).toBe("own=1; Path=/; HttpOnly");
  expect(signed).toHaveLength(1);
  expect(signed[0]).toMatch(/^coder_signed_app_token=[\w.-]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
});

test("a signed token opens its app's host without asking coderd, and no other app", async () => {
  await using fleet = await fleetWithApp();
  const { address } = fleet.proxy;
  const other = fleet.addApp({ slugOrPort: "other", url: fleet.app.url });
  const otherHost = "other--main--dev--ana.apps.test";
  const first = await fetchFrom(address, "/", { headers: onHost });
  await fetchFrom(address, "/", { headers: { ...onHost, Host: otherHost } });
  const asked = fleet.coderd.asked.length;
  const Cookie = first.headers["set-cookie"]![0]!.split(";")[0]!;
  const reply = await fetchFrom(address, "/x", { headers: { Host: HOST, Cookie } });
  expect(reply.status).toBe(200);
  expect(reply.headers).not.toHaveProperty("set-cookie");
  expect(fleet.coderd.asked).toHaveLength(asked);

  const statusOn = async (host: string, token: string) =>
    (await fetchFrom(address, "/", { headers: { Host: host, Cookie: `coder_signed_app_token=${token}` } }))
      .status;
  expect(await statusOn(otherHost, Cookie.split("=")[1]!)).toBe(303);
  const forged = await fleet.coderd.signedToken(other);
  expect(await statusOn(otherHost, `${forged.slice(0, -4)}AAAA`)).toBe(303);
  expect(await statusOn(otherHost, forged)).toBe(200);
});

test("a planted token opens nothing on the deployment's own origin", async () => {
  await using fleet = await fleetWithApp();
  await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  const token = await fleet.coderd.signedToken(fleet.app);
  const planted = await fetchFrom(fleet.proxy.address, `${PATH}/?coder_signed_app_token_23db1dde=${token}`, {
    headers: { Cookie: `coder_signed_app_token=${token}` },
  });
  expect(planted.status).toBe(303);
});

test("revoked decisions count no more, and open sockets are cut", async () => {
  await using fleet = await fleetWithApp();
  const token = await fleet.coderd.signedToken(fleet.app);
  await fetchFrom(fleet.proxy.address, "/", { headers: onHost });
  const socket = new WebSocket(`ws://${fleet.proxy.address}${PATH}/ws`, { headers: signedIn });
  await once(socket, "open");
  const closed = once(socket, "close");
  fleet.app.tokens = [];
  await fleet.coderd.push({ case: "accessChanged", value: { subjects: [`user:${USER_ID}`] } });
  await closed;
  const remembered = await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  expect(remembered.status).toBe(404);
  const signed = await fetchFrom(fleet.proxy.address, "/", {
    headers: { Host: HOST, Cookie: `coder_signed_app_token=${token}` },
  });
  expect(signed.status).toBe(303);
});

test("a visitor is sent to log in, and told so where no browser would follow", async () => {
  await using fleet = await fleetWithApp();
  const page = await fetchFrom(fleet.proxy.address, `${PATH}/x?y=1`, {
    headers: { Host: "coder.test", ...browser },
  });
  expect(page.status).toBe(303);
  expect(page.headers.location).toBe(
    `http://coder.test/login?redirect=${encodeURIComponent(`http://coder.test${PATH}/x?y=1`)}`,
  );
  const post = await fetchFrom(fleet.proxy.address, `${PATH}/x`, { method: "POST" });
  expect(post.status).toBe(401);
  const refused = await fetchFrom(fleet.proxy.address, "/@ana/dev.main/apps/none/", {
    headers: { ...signedIn, ...browser },
  });
  expect(refused.status).toBe(404);
  expect(refused.text).toContain("<h1>App not found</h1>");
});

test("a key from the access URL becomes the host's own cookie, once", async () => {
  await using fleet = await fleetWithApp();
  fleet.coderd.appKeys.set("k3y", { hostname: HOST, sessionToken: USER_TOKEN });
  const start = await fetchFrom(fleet.proxy.address, "/deep?a=1", { headers: { Host: HOST, ...browser } });
  expect(start.headers.location).toBe(
    `http://coder.test/api/v2/applications/auth-redirect?redirect_uri=${encodeURIComponent(`http://${HOST}/deep?a=1`)}`,
  );
  const withKey = "/deep?a=1&coder_application_connect_api_key_35e783=k3y";
  const exchanged = await fetchFrom(fleet.proxy.address, withKey, { headers: { Host: HOST } });
  expect(exchanged.status).toBe(303);
  expect(exchanged.headers.location).toBe("/deep?a=1");
  for (const start of ["//", "/\\", "///"]) {
    fleet.coderd.appKeys.set("away", { hostname: HOST, sessionToken: USER_TOKEN });
    const away = `${start}evil.test/?coder_application_connect_api_key_35e783=away`;
    const { headers } = await fetchFrom(fleet.proxy.address, away, { headers: { Host: HOST } });
    expect(headers.location).toBe("/evil.test/");
  }
  const [cookie] = exchanged.headers["set-cookie"]!;
  expect(cookie).toMatch(
    /^coder_subdomain_app_session_token=user-secret; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Domain=apps\.test$/,
  );
  const opened = await fetchFrom(fleet.proxy.address, "/deep?a=1", {
    headers: { Host: HOST, Cookie: cookie!.split(";")[0]! },
  });
  expect(JSON.parse(opened.text).url).toBe("/deep?a=1");
  const again = await fetchFrom(fleet.proxy.address, withKey, { headers: { Host: HOST, ...browser } });
  expect(again.status).toBe(400);
  expect(again.text).toContain('href="/deep?a=1"');
});

test("cookies are Secure where the deployment is reached by https", async () => {
  await using fleet = await fleetWithApp();
  fleet.coderd.settings.accessUrl = "https://coder.test";
  await fleet.coderd.pushSettings();
  fleet.coderd.appKeys.set("k", { hostname: HOST, sessionToken: USER_TOKEN });
  await waitFor(
    async () => {
      const reply = await fetchFrom(fleet.proxy.address, "/", { headers: onHost });
      return reply.headers["set-cookie"]?.[0]?.endsWith("; Secure");
    },
    { what: "a secure cookie" },
  );
});

test("WebSockets are piped to the app, on a path and on a host", async () => {
  await using fleet = await fleetWithApp();
  for (const [url, headers] of [
    [`ws://${fleet.proxy.address}${PATH}/socket`, signedIn],
    [`ws://${fleet.proxy.address}/socket`, onHost],
  ] as const) {
    const socket = new WebSocket(url, { headers });
    await once(socket, "open");
    socket.send(Buffer.alloc(300_000, "x"));
    const [message] = await once(socket, "message");
    expect((message as Buffer).length).toBe(300_000);
    socket.close();
    await once(socket, "close");
  }
  expect(fleet.web.requests.at(-1)!.headers.cookie).toBeUndefined();
});

test("an event stream passes as it comes, and a client that leaves takes it along", async () => {
  await using fleet = await fleetWithApp();
  const step = Promise.withResolvers<void>();
  fleet.web.handler = (_request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.flushHeaders();
    void step.promise.then(() => response.write("data: 1\n\n"));
  };
  const response = await startRequest(fleet.proxy.address, `${PATH}/events`, { headers: signedIn });
  step.resolve();
  const [chunk] = await once(response, "data");
  expect(String(chunk)).toBe("data: 1\n\n");
  response.destroy();
  await waitFor(() => fleet.web.broken === 1, { what: "the app to learn that the client has gone" });
});

test("a response that breaks off at the app breaks off at the client", async () => {
  await using fleet = await fleetWithApp();
  fleet.web.handler = (_request, response) => {
    response.writeHead(200, { "Content-Length": 1000 });
    response.write("part", () => response.destroy());
  };
  await expect(fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn })).rejects.toThrow("aborted");
});

test("large uploads and downloads arrive exactly", async () => {
  await using fleet = await fleetWithApp();
  const sent = Buffer.alloc(8_000_000, "0123456789abcdef-");
  fleet.web.handler = (request, response) => void request.pipe(response);
  const echoed = await fetchFrom(fleet.proxy.address, `${PATH}/`, {
    method: "PUT",
    headers: signedIn,
    body: sent,
  });
  expect(echoed.body.equals(sent)).toBe(true);
});

test("an app may answer before it has read the upload", async () => {
  await using fleet = await fleetWithApp();
  fleet.web.handler = (request, response) => {
    response.writeHead(413, { Connection: "close" }).end("too large");
    request.pause();
  };
  const reply = await fetchFrom(fleet.proxy.address, `${PATH}/`, {
    method: "POST",
    headers: signedIn,
    body: Buffer.alloc(100_000),
  });
  expect(reply.status).toBe(413);
  expect(reply.text).toBe("too large");
});

test("an upload that breaks off breaks off at the app", async () => {
  await using fleet = await fleetWithApp();
  const [host, port] = fleet.proxy.address.split(":");
  const raw = connect({ host, port: Number(port) });
  raw.write(
    `POST ${PATH}/ HTTP/1.1\r\nHost: a\r\nCoder-Session-Token: ${USER_TOKEN}\r\nContent-Length: 1000\r\n\r\npart`,
  );
  await waitFor(() => fleet.web.requests.length === 1, { what: "the upload to begin" });
  raw.destroy();
  await waitFor(() => fleet.web.broken === 1, { what: "the app to learn of it" });
});

test("connections to an app are kept and used again", async () => {
  await using fleet = await fleetWithApp();
  const ports = new Set<number>();
  fleet.web.handler = (request, response) => {
    ports.add(request.socket.remotePort!);
    response.end();
  };
  using warnings = collectWarnings();
  for (let i = 0; i < 15; i++) await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  expect(ports.size).toBe(1);
  expect(warnings.seen.filter(({ name }) => name === "MaxListenersExceededWarning")).toEqual([]);
});

test("a kept connection that the app has closed does not fail the next request", async () => {
  await using fleet = await fleetWithApp();
  fleet.web.handler = (request, response) => {
    response.end("ok");
    request.socket.once("data", () => request.socket.destroy());
  };
  await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  fleet.web.server.prependOnceListener("request", (request) => request.socket.destroy());
  const reply = await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  expect(reply.text).toBe("ok");
});

test("each failure has its page", async () => {
  await using fleet = await fleetWithApp();
  const { address } = fleet.proxy;
  const headers = { ...signedIn, ...browser };
  await fleet.web[Symbol.asyncDispose]();
  const silent = await fetchFrom(address, `${PATH}/`, { headers });
  expect(silent.status).toBe(502);
  expect(silent.text).toContain("<h1>web is not listening</h1>");
  expect(silent.text).toContain(fleet.app.url);

  fleet.agent.tunnel.close();
  await waitFor(() => fleet.coderd.replicas.values().next().value!.agents.size === 0, {
    what: "the agent to be gone",
  });
  const gone = await fetchFrom(address, `${PATH}/`, { headers });
  expect(gone.status).toBe(502);
  expect(gone.text).toContain("<h1>The workspace&#39;s agent is not connected</h1>");
  const json = await fetchFrom(address, `${PATH}/`, { headers: signedIn });
  expect(JSON.parse(json.text).message).toMatch(/ana\/dev is not running/);

  const nobody = await fetchFrom(address, "/", { headers: { Host: "not-an-app.apps.test", ...browser } });
  expect(nobody.status).toBe(404);
  expect(fleet.upstream.requests).toHaveLength(0);

  fleet.coderd.stop();
  const undecided = await fetchFrom(address, "/@ana/dev.main/apps/other/", { headers });
  expect(undecided.status).toBe(503);
});

test("path apps can be turned off", async () => {
  await using fleet = await fleetWithApp();
  fleet.coderd.settings.disablePathApps = true;
  await fleet.coderd.pushSettings();
  await waitFor(
    async () => (await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn })).status === 403,
    { what: "path apps to be off" },
  );
  expect((await fetchFrom(fleet.proxy.address, "/", { headers: onHost })).status).toBe(200);
});

test("apps of one user may call each other, others may not", async () => {
  await using fleet = await fleetWithApp();
  fleet.web.handler = (_request, response) => {
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.end("ok");
  };
  const { address } = fleet.proxy;
  const sibling = "http://api--main--dev--ana.apps.test";
  const stranger = "http://evil--main--dev--bob.apps.test";
  const preflight = (origin: string) =>
    fetchFrom(address, "/", {
      method: "OPTIONS",
      headers: {
        Host: HOST,
        Origin: origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "x-a",
      },
    });
  expect((await preflight(sibling)).headers).toMatchObject({
    "access-control-allow-origin": sibling,
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "PUT",
    "access-control-allow-headers": "x-a",
  });
  expect((await preflight(stranger)).headers).not.toHaveProperty("access-control-allow-origin");

  const call = (origin: string, method = "GET") =>
    fetchFrom(address, "/", { method, headers: { ...onHost, Origin: origin } });
  expect((await call(sibling)).headers["access-control-allow-origin"]).toBe(sibling);
  expect((await call(stranger)).headers).not.toHaveProperty("access-control-allow-origin");
  expect((await call(stranger, "POST")).status).toBe(403);
  const unknown = await fetchFrom(address, "/", { headers: { Host: HOST, Origin: sibling } });
  expect(unknown).toMatchObject({
    status: 401,
    headers: { "access-control-allow-origin": sibling, "x-coder-error": "sign_in_required" },
  });
  expect((await call(sibling, "POST")).status).toBe(200);
  const socket = new WebSocket(`ws://${address}/`, { headers: { ...onHost, Origin: stranger } });
  const [error] = await once(socket, "error");
  expect(String(error)).toContain("403");
});

test("a page of another origin may use an app that is open to everybody, as anybody", async () => {
  await using fleet = await fleetWithApp();
  const { address } = fleet.proxy;
  const Origin = "https://elsewhere.test";
  const post = () => fetchFrom(address, "/hook", { method: "POST", headers: { ...onHost, Origin } });
  expect((await post()).status).toBe(403);
  fleet.app.public = true;
  expect((await post()).status).toBe(200);
  expect(fleet.coderd.asked.at(-1)!.sessionToken).toBe("");
  const socket = new WebSocket(`ws://${address}/`, { headers: { ...onHost, Origin } });
  await once(socket, "open");
  socket.close();
  // A token in a header was put there by somebody who knows it.
  fleet.app.public = false;
  const knowing = { Host: HOST, Origin, "Coder-Session-Token": USER_TOKEN };
  expect((await fetchFrom(address, "/", { method: "POST", headers: knowing })).status).toBe(200);
});

test("an app that answers cross-origin requests itself is asked, and its headers pass", async () => {
  await using fleet = await fleetWithApp();
  fleet.app.corsPassthru = true;
  fleet.web.handler = (request, response) => {
    response.setHeader("Access-Control-Allow-Origin", "https://own.test");
    response.end(request.method);
  };
  const { address } = fleet.proxy;
  const sibling = "http://api--main--dev--ana.apps.test";
  const reply = await fetchFrom(address, "/", { headers: { ...onHost, Origin: sibling } });
  expect(reply.headers["access-control-allow-origin"]).toBe("https://own.test");
  fleet.app.public = true;
  const preflight = await fetchFrom(address, "/", {
    method: "OPTIONS",
    headers: { Host: HOST, Origin: sibling, "Access-Control-Request-Method": "PUT" },
  });
  expect(preflight).toMatchObject({
    text: "OPTIONS",
    headers: { "access-control-allow-origin": "https://own.test" },
  });
});

test("what shows who asks is in no query that an app gets", async () => {
  await using fleet = await fleetWithApp();
  const query = `?a=1&coder_session_token=${USER_TOKEN}&b=2`;
  const reply = await fetchFrom(fleet.proxy.address, `${PATH}/x${query}`, { headers: signedIn });
  expect(JSON.parse(reply.text).url).toBe("/x?a=1&b=2");
});

test("a URL that cannot be opened is told as such", async () => {
  await using fleet = await fleetWithApp();
  for (const url of ["vscode://x", "not a url"]) {
    fleet.addApp({ slugOrPort: url.slice(0, 3), url });
    const reply = await fetchFrom(fleet.proxy.address, `/@ana/dev.main/apps/${url.slice(0, 3)}/`, {
      headers: signedIn,
    });
    expect(reply).toMatchObject({ status: 502, headers: { "x-coder-error": "app_url_invalid" } });
  }
});

test("a port with an s is spoken to by https", async () => {
  await using fleet = await fleetWithApp();
  const server = createServer(SELF_SIGNED, (_request, response) => response.end("secure"));
  const port = await listenLocal(server as never);
  fleet.addApp({ slugOrPort: "8443s", url: `https://127.0.0.1:${port}` });
  const reply = await fetchFrom(fleet.proxy.address, "/", {
    headers: { ...onHost, Host: "8443s--main--dev--ana.apps.test" },
  });
  server.close();
  expect(reply.text).toBe("secure");
});

test("an agent's own ports are refused", async () => {
  await using fleet = await fleetWithApp();
  fleet.addApp({ slugOrPort: "sneaky", url: "http://127.0.0.1:4" });
  const reply = await fetchFrom(fleet.proxy.address, "/@ana/dev.main/apps/sneaky/", { headers: signedIn });
  expect(reply.status).toBe(400);
});

test("a storm of aborted downloads leaves the tunnel and the app's pool whole", async () => {
  await using fleet = await fleetWithApp();
  const sent = Buffer.alloc(2_000_000, "x");
  fleet.web.handler = (request, response) => response.end(request.url === "/big" ? sent : "ok");
  for (let round = 0; round < 10; round++) {
    await Promise.all(
      Array.from({ length: 30 }, async () => {
        const response = await startRequest(fleet.proxy.address, `${PATH}/big`, { headers: signedIn });
        response.destroy();
      }),
    );
  }
  const reply = await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  expect(reply.text).toBe("ok");
  await waitFor(() => fleet.agent.tunnel.stats().streams <= 1, { what: "the aborted streams to be gone" });
});

test("what was used is reported, and no token is logged or shown", async () => {
  const logs = captureLogs();
  await using fleet = await fleetWithApp({ log: logs.logger });
  await fetchFrom(fleet.proxy.address, `${PATH}/?secret=1`, { headers: signedIn });
  await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  await fleet.proxy.close();
  expect(fleet.coderd.reported).toHaveLength(1);
  expect(fleet.coderd.reported[0]).toMatchObject({
    userId: USER_ID,
    workspaceId: WORKSPACE_ID,
    agentId: AGENT_ID,
    slugOrPort: "web",
    requests: 2n,
  });
  expect(logs.text()).toContain("/@ana/dev.main/apps/web/");
  expect(logs.text()).not.toMatch(/secret/);
  const metrics = await fleet.registry.metrics();
  expect(metrics).toContain('coder_proxy_requests_total{kind="app",code="200"} 2');
});
