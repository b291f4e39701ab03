import { createServer } from "node:https";
import { captureLogs, waitFor } from "@fleet/testkit";
import { browser, fleetWithApp, onHost, PATH, signedIn } from "../testing/app.js";
import { SELF_SIGNED } from "../testing/certificate.js";
import { listenLocal } from "../testing/coderd.js";
import { AGENT_ID, fetchFrom, USER_ID, USER_TOKEN, WORKSPACE_ID } from "../testing/fleet.js";

test("a path app receives the request without the deployment's cookies and headers", async () => {
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

test("a path app without a trailing slash redirects to one", async () => {
  await using fleet = await fleetWithApp();
  const reply = await fetchFrom(fleet.proxy.address, `${PATH}?a=1`, { headers: signedIn });
  expect(reply.status).toBe(303);
  expect(reply.headers.location).toBe(`${PATH}/?a=1`);
});

test("the query of an app's URL is added to its first page", async () => {
  await using fleet = await fleetWithApp();
  fleet.app.url += "/base/?folder=/home/ana";
  const first = await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  expect(first.headers.location).toBe(`${PATH}/?folder=/home/ana`);
  const second = await fetchFrom(fleet.proxy.address, first.headers.location!, { headers: signedIn });
  expect(JSON.parse(second.text).url).toBe("/base/?folder=/home/ana");
});

test("session tokens are removed from the query that an app receives", async () => {
  await using fleet = await fleetWithApp();
  const query = `?a=1&coder_session_token=${USER_TOKEN}&b=2`;
  const reply = await fetchFrom(fleet.proxy.address, `${PATH}/x${query}`, { headers: signedIn });
  expect(JSON.parse(reply.text).url).toBe("/x?a=1&b=2");
});

test("an app can set cookies only for itself", async () => {
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

test("a port with the suffix s is reached over HTTPS", async () => {
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

test("usage is reported, and no token is logged", async () => {
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

test("each failure has its own error page", async () => {
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

test("an app with a URL that cannot be opened answers 502 with a code", async () => {
  await using fleet = await fleetWithApp();
  for (const url of ["vscode://x", "not a url"]) {
    fleet.addApp({ slugOrPort: url.slice(0, 3), url });
    const reply = await fetchFrom(fleet.proxy.address, `/@ana/dev.main/apps/${url.slice(0, 3)}/`, {
      headers: signedIn,
    });
    expect(reply).toMatchObject({ status: 502, headers: { "x-coder-error": "app_url_invalid" } });
  }
});

test("an app cannot use the agent's own ports", async () => {
  await using fleet = await fleetWithApp();
  fleet.addApp({ slugOrPort: "sneaky", url: "http://127.0.0.1:4" });
  const reply = await fetchFrom(fleet.proxy.address, "/@ana/dev.main/apps/sneaky/", { headers: signedIn });
  expect(reply.status).toBe(400);
});
