import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { freePort, waitFor } from "@fleet/testkit";
import { createTestCoderd } from "../testing/coderd.js";
import { createTemplate, startProvisioner } from "../testing/work.js";

const swaggerDir = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));

test("settings are returned without secrets, with durations in nanoseconds", async () => {
  await using server = await createTestCoderd({ env: { CODER_HEALTH_CHECK_REFRESH: "1m" } });
  const owner = await server.owner();
  const answer = await owner.client.deploymentConfig();
  const option = (env: string) => answer.options.find((one) => one.env === env);
  expect(option("CODER_ACCESS_URL")).toMatchObject({ flag: "access-url", name: "Access URL" });
  expect(option("CODER_HEALTH_CHECK_REFRESH")).toMatchObject({ value: 60_000_000_000 });
  expect(option("CODER_PG_CONNECTION_URL")).toMatchObject({ value: "", annotations: { secret: "true" } });
  expect(answer.config.health_check_refresh).toBe(60_000_000_000);
  const { CODER_PG_CONNECTION_URL, CODER_PROVISIONER_DAEMON_PSK, CODER_PROXY_SESSION_TOKEN } = server.config;
  for (const secret of [CODER_PG_CONNECTION_URL, CODER_PROVISIONER_DAEMON_PSK, CODER_PROXY_SESSION_TOKEN])
    expect(JSON.stringify(answer)).not.toContain(secret);
});

test("the health report lists what is missing, without dismissed entries", async () => {
  // A reverse proxy that responds but does not pass WebSockets.
  const door = createServer((_request, response) => response.end("not me"));
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(door.address() as AddressInfo).port}`;
  await using server = await createTestCoderd({ env: { CODER_ACCESS_URL: url } });
  const owner = await server.owner();
  const report = await owner.client.debugHealth();
  expect(report).toMatchObject({
    healthy: false,
    severity: "error",
    access_url: { severity: "warning", reachable: true, warnings: [{ code: "EACS04" }] },
    database: { reachable: true, healthy: true },
    provisioner_daemons: { error: expect.stringContaining("EPD01"), items: [] },
    websocket: { error: expect.stringContaining("EWS01"), severity: "error" },
  });

  await owner.client.debugHealthSettingsUpdate({
    body: { dismissed_healthchecks: ["ProvisionerDaemons", "Websocket", "Database"] },
  });
  expect(await owner.client.debugHealth()).toMatchObject({
    time: report.time,
    healthy: true,
    severity: "warning",
    websocket: { dismissed: true },
  });
  const wrong = owner.client.debugHealthSettingsUpdate({ body: { dismissed_healthchecks: ["Weather"] } });
  await expect(wrong).rejects.toMatchObject({ code: "invalid_argument" });

  await using daemon = await startProvisioner(server);
  expect(daemon.id).toBeTruthy();
  door.close();
  door.closeAllConnections();
  expect(await owner.client.debugHealth({ query: { force: true } })).toMatchObject({
    access_url: { error: expect.stringContaining("EACS03"), reachable: false },
    provisioner_daemons: { error: null, warnings: [{ code: "EPD02" }] },
  });
});

test("a daemon warning is shown until the daemon clears it", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const warning = { code: "EPD04", message: "It may not make workspaces." };
  await using first = await startProvisioner(server, { warnings: [warning, { ...warning, code: "s3cret" }] });
  await using second = await startProvisioner(server, { warnings: [warning] });
  const told = async () => (await owner.client.debugHealth({ query: { force: true } })).provisioner_daemons;
  const section = await told();
  expect(section).toMatchObject({ severity: "warning", error: null });
  expect(section.warnings.filter(({ code }) => code !== "EPD02")).toEqual([warning]);
  expect(section.items).toMatchObject(Array(2).fill({ warnings: [{ code: "EPD02" }, warning] }));

  await first.warn([]);
  await second.warn([{ code: "EPD05", message: "Its Redis is away." }]);
  await waitFor(
    async () => {
      const codes = (await told()).warnings.map(({ code }) => code);
      return codes.includes("EPD05") && !codes.includes("EPD04");
    },
    { what: "the next heartbeats" },
  );
});

test.each([
  [
    "DNS:coder.example.com",
    /^The certificate served for \*\.apps\.example\.com covers DNS:coder\.example\.com,/,
  ],
  ["DNS:coder.example.com,DNS:*.apps.example.com", undefined],
])("a front door with a certificate for %s", async (names, sentence) => {
  const folder = await mkdtemp(join(tmpdir(), "fleet-front-"));
  const [keyFile, certFile] = [join(folder, "key"), join(folder, "cert")];
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-keyout", keyFile, "-out", certFile, "-subj", "/CN=front", "-addext", `subjectAltName=${names}`],
  ]);
  const [key, cert] = await Promise.all([keyFile, certFile].map((file) => readFile(file)));
  await rm(folder, { recursive: true });
  const front = createTlsServer({ key, cert }, (_request, response) => response.end("OK"));
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${(front.address() as AddressInfo).port}`;
  const env = { CODER_ACCESS_URL: url, CODER_WILDCARD_ACCESS_URL: "*.apps.example.com" };
  await using server = await createTestCoderd({ env });
  const owner = await server.owner();
  const { access_url } = await owner.client.debugHealth();
  const wanted = sentence ? [{ code: "EACS05", message: expect.stringMatching(sentence) }] : [];
  expect(access_url.warnings).toEqual(wanted);
  front.close();
});

test("an unavailable Redis is reported with its setting, without its password", async () => {
  const url = `redis://:s3cret@127.0.0.1:${await freePort()}`;
  await using server = await createTestCoderd({ env: { CODER_REDIS_URL: url } });
  const owner = await server.owner();
  const { database } = await owner.client.debugHealth();
  expect(database).toMatchObject({
    severity: "error",
    reachable: true,
    error: expect.stringMatching(/^EDB03: Could not connect to Redis at redis:\/\/127\.0\.0\.1:\d+: /),
  });
  expect(database.error).not.toContain("s3cret");
});

test("each replica is listed while it is running", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const [first] = await owner.client.replicas();
  expect(first!.database_latency).toBeGreaterThan(0);
  const second = await server.replica();
  expect(await owner.client.replicas()).toHaveLength(2);
  await second.close();
  expect(await owner.client.replicas()).toEqual([expect.objectContaining({ id: first!.id })]);
});

test("the deployment's appearance is what was set last", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const banner = { enabled: true, message: "Maintenance at noon." };
  await owner.client.appearanceUpdate({
    body: { application_name: "Acme", logo_url: "", announcement_banners: [banner] },
  });
  expect(await server.anonymous.appearance()).toMatchObject({
    application_name: "Acme",
    announcement_banners: [banner],
    service_banner: banner,
  });
});

test("the agent's script, the API document and its pages are public", async () => {
  await using server = await createTestCoderd({ env: { CODER_SWAGGER_DIR: swaggerDir } });
  const get = (path: string) => fetch(`${server.coderd.httpUrl}${path}`);
  const script = await (await get("/api/v2/init-script/linux/amd64")).text();
  expect(script).toContain("http://127.0.0.1:3000/bin/coder-linux-amd64");
  expect(script).toContain('CODER_AGENT_AUTH="token"');
  expect((await get("/api/v2/init-script/plan9/amd64")).status).toBe(404);
  for (const path of ["/swagger", "/swagger/"])
    expect(await (await get(path)).text()).toContain("swagger-ui");
  expect(await (await get("/swagger/swagger-initializer.js")).text()).toContain("/api/v2/openapi.json");
});

test("statistics count workspaces and daily active users", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  await owner.client.workspaceCreate({
    params: { user: "me" },
    body: { template_id: template.id, name: "dev" },
  });
  await waitFor(
    async () => (await owner.client.workspaceList()).workspaces[0]?.latest_build.status === "running",
    {
      what: "the workspace to run",
    },
  );
  await server.coderd.domain.agentStore.addStats([
    {
      userId: owner.id,
      workspaceId: (await owner.client.workspaceList()).workspaces[0]!.id,
      templateId: template.id,
      agentId: owner.id,
      connectionCount: 1n,
      rxBytes: 5n,
      sessionCountSsh: 2n,
      connectionMedianLatencyMs: 8,
    },
  ]);
  expect(await owner.client.deploymentStats()).toMatchObject({
    workspaces: { running: 1, stopped: 0, rx_bytes: 5, connection_latency_ms: { P50: 8, P95: 8 } },
    session_count: { ssh: 2, vscode: 0 },
  });
  await server.coderd.domain.insights.count();
  const { entries, tz_hour_offset } = await owner.client.insightsDaus();
  expect([entries[0]?.amount, tz_hour_offset]).toEqual([1, 0]);
});

test("no license is needed, and the API says so; links and terms come from the settings", async () => {
  const links = [{ name: "Help desk", target: "https://help.example.com", icon: "chat" }];
  const env = {
    CODER_TERMS_OF_SERVICE_URL: "https://example.com/terms",
    CODER_DOCS_URL: "https://docs.example.com",
    CODER_SUPPORT_LINKS: JSON.stringify(links),
  };
  await using server = await createTestCoderd({ env });
  const owner = await server.owner();
  const member = await server.user(owner);
  expect(await owner.client.licenseList()).toEqual([]);
  await expect(owner.client.licenseCreate({ body: { license: "ey" } })).rejects.toThrow("needs no license");
  expect(await owner.client.entitlementsRefresh()).toMatchObject({
    message: expect.stringContaining("needs no license"),
  });
  await expect(member.client.licenseCreate({ body: { license: "ey" } })).rejects.not.toThrow("needs no");

  expect(await server.anonymous.appearance()).toMatchObject({
    docs_url: env.CODER_DOCS_URL,
    support_links: links,
  });
  expect(await server.anonymous.authMethods()).toMatchObject({
    terms_of_service_url: env.CODER_TERMS_OF_SERVICE_URL,
  });
  for (const bad of ["{", '[{"name":"x","target":"javascript:alert(1)"}]', '"x"'])
    await expect(createTestCoderd({ env: { CODER_SUPPORT_LINKS: bad } })).rejects.toThrow(
      "JSON list of links",
    );
});
