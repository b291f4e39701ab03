import { randomUUID } from "node:crypto";
import { SharingLevel } from "@fleet/proto-gen/provisioner";
import { AccessMethod } from "@fleet/proto-gen/proxy";
import { waitFor } from "@fleet/testkit";
import pg from "pg";
import { createAgentWorkspace, createTestAgent, createTestProxy } from "../testing/agents.js";
import { createTestCoderd } from "../testing/coderd.js";
import { built, startProvisioner } from "../testing/work.js";

const LEVELS = ["owner", "organization", "authenticated", "public"] as const;
const WILDCARD = "*.apps.test";

async function start(env: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd({ env: { CODER_WILDCARD_ACCESS_URL: WILDCARD, ...env } }));
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  stack.use(await startProvisioner(server)).serve();
  const apps = LEVELS.map((level) => ({
    id: randomUUID(),
    slug: level,
    displayName: level,
    url: "http://localhost:8080",
    subdomain: true,
    sharingLevel: SharingLevel[level.toUpperCase() as keyof typeof SharingLevel],
  }));
  const external = {
    id: randomUUID(),
    slug: "docs",
    displayName: "Docs",
    url: "https://x.test",
    external: true,
  };
  const numbers = ["443", "8081"].map((slug) => ({
    id: randomUUID(),
    slug,
    displayName: slug,
    url: `http://localhost:7777/${slug}`,
    subdomain: true,
  }));
  const made = await createAgentWorkspace(owner, ana, { apps: [...apps, external, ...numbers] });
  const agent = stack.use(await createTestAgent(server, made.token));
  const connection = await agent.connect();
  const proxy = stack.use(await createTestProxy(server));

  /** What the proxy should do with a visitor of an app. */
  async function visit(
    slug: string,
    visitor: string,
    method = AccessMethod.SUBDOMAIN,
    names: { owner?: string; workspace?: string; agent?: string } = {},
  ): Promise<string> {
    const url = `http://${slug}--dev--ana.apps.test/x?y=1`;
    const { decision } = await proxy.client.authorizeApp({
      accessMethod: method,
      usernameOrId: names.owner ?? "ana",
      workspaceNameOrId: names.workspace ?? "dev",
      agentNameOrId: names.agent ?? (/^\d/.test(slug) ? "main" : ""),
      appSlugOrPort: slug,
      sessionToken: visitor,
      requestUrl: method === AccessMethod.PATH ? `http://127.0.0.1:3000/@ana/dev/apps/${slug}/` : url,
    });
    if (decision.case === "refused") return String(decision.value.status);
    if (decision.case === "redirectUrl") return decision.value.includes("/login") ? "login" : "redirect";
    return decision.case ?? "";
  }
  return {
    ...made,
    server,
    owner,
    ana,
    agent,
    connection,
    proxy,
    visit,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("access to an app by share level, visitor and method", async () => {
  await using test = await start();
  const { server, owner, ana, visit } = test;
  const ben = await server.user(owner, { username: "ben" });
  const stranger = await server.user(owner, { username: "stranger" });
  await owner.client.memberRemove({ params: { organization: "default", user: "stranger" } });
  const scoped = await ana.client.tokenCreate({
    params: { user: "me" },
    body: { scope: "application_connect" },
  });
  const visitors = {
    nobody: "",
    stranger: stranger.token,
    ben: ben.token,
    ana: ana.token,
    "ana's app session": scoped.key,
    owner: owner.token,
  };
  const table: Record<string, string> = {};
  for (const level of [...LEVELS, "8080", "docs", "none"]) {
    const row: string[] = [];
    for (const token of Object.values(visitors)) row.push(await visit(level, token));
    table[level] = row.join(" ");
  }
  // nobody, stranger, ben, ana, ana's app session, owner
  expect(table).toEqual({
    owner: "redirect 404 404 granted granted granted",
    organization: "redirect 404 granted granted granted granted",
    authenticated: "redirect granted granted granted granted granted",
    public: "granted granted granted granted granted granted",
    "8080": "redirect 404 404 granted granted granted",
    docs: "redirect 404 404 404 404 404",
    none: "redirect 404 404 404 404 404",
  });

  const byPath: Record<string, string> = {};
  for (const [name, token] of Object.entries(visitors)) {
    byPath[name] = await visit("public", token, AccessMethod.PATH);
  }
  expect(byPath).toEqual({
    nobody: "login",
    stranger: "404",
    ben: "404",
    ana: "granted",
    "ana's app session": "granted",
    owner: "404",
  });

  await ana.client.portShareUpsert({
    params: { workspace: test.workspace.id },
    body: { agent_name: "main", port: 9000, share_level: "authenticated" },
  });
  expect(await visit("9000", ben.token)).toBe("granted");
  expect(await visit("9001", ben.token)).toBe("404");
  await ana.client.portShareDelete({
    params: { workspace: test.workspace.id },
    body: { agent_name: "main", port: 9000 },
  });
  await waitFor(() => test.proxy.changed().includes(`workspace:${test.workspace.id}`), {
    what: "the proxy to forget its decisions",
  });
});

test("the reason why an app cannot be opened is shown only to those who may open it", async () => {
  await using test = await start();
  const { owner, ana, visit } = test;
  const ben = await test.server.user(owner, { username: "ben" });
  expect(await visit("owner", ana.token, undefined, { agent: "other" })).toBe("404");
  expect(await visit("owner", ana.token, undefined, { workspace: "no-such" })).toBe("404");
  expect(await visit("5", ana.token)).toBe("404");

  test.connection.hangUp();
  await waitFor(async () => (await visit("owner", ana.token)) === "502", { what: "the agent to be gone" });
  expect(await visit("owner", ben.token)).toBe("404");

  await ana.client.workspaceBuildCreate({
    params: { workspace: test.workspace.id },
    body: { transition: "stop" },
  });
  await built(ana, test.workspace);
  expect(await visit("owner", ana.token)).toBe("400");
  expect(await visit("owner", ben.token)).toBe("404");
  expect(await visit("owner", "")).toBe("redirect");
});

test("a key for one app's host opens no other, and gives a session only for apps", async () => {
  await using test = await start();
  const host = "owner--dev--ana.apps.test";
  const { headers, status } = await fetch(
    `${test.server.coderd.httpUrl}/api/v2/applications/auth-redirect?redirect_uri=${encodeURIComponent(`http://${host}:3000/x`)}`,
    { redirect: "manual", headers: { "coder-session-token": test.ana.token } },
  );
  expect(status).toBe(303);
  const target = new URL(headers.get("location")!);
  expect(target.host).toBe(`${host}:3000`);
  const encryptedKey = [...target.searchParams.values()][0]!;
  expect(encryptedKey).not.toContain(test.ana.token);
  const { audit_logs } = await test.owner.client.auditList({
    query: { q: "resource_type:api_key action:create" },
  });
  expect(audit_logs).toMatchObject([
    { user: { id: test.ana.id }, status_code: 303, diff: { scopes: { new: ["application_connect"] } } },
  ]);

  const { client } = test.proxy;
  const elsewhere = client.exchangeAppKey({ encryptedKey, hostname: "public--dev--ben.apps.test" });
  await expect(elsewhere).rejects.toMatchObject({ code: "unauthenticated" });
  const forged = client.exchangeAppKey({ encryptedKey: `${encryptedKey.slice(0, -2)}xx`, hostname: host });
  await expect(forged).rejects.toMatchObject({ code: "unauthenticated" });

  const { sessionToken, expiresAtMs } = await client.exchangeAppKey({ encryptedKey, hostname: host });
  expect(Number(expiresAtMs)).toBeGreaterThan(Date.now());
  expect(await test.visit("owner", sessionToken)).toBe("granted");
  const me = test.server.clientOf(sessionToken).userGet({ params: { user: "me" } });
  await expect(me).rejects.toMatchObject({ code: "not_found" });

  const foreign = await fetch(
    `${test.server.coderd.httpUrl}/api/v2/applications/auth-redirect?redirect_uri=http://evil.test/`,
    { redirect: "manual", headers: { "coder-session-token": test.ana.token } },
  );
  expect(foreign.status).toBe(400);
});

test("owners cannot access others' workspaces if the deployment forbids it, with any key", async () => {
  await using test = await start({ CODER_DISABLE_OWNER_WORKSPACE_ACCESS: "true" });
  const { owner, ana, visit, proxy, agentId } = test;
  expect(await visit("owner", owner.token)).toBe("404");
  expect(await visit("8080", owner.token)).toBe("404");
  expect(await visit("authenticated", owner.token)).toBe("granted");
  expect(await visit("owner", ana.token)).toBe("granted");
  const enter = (sessionToken: string, kind: string) =>
    proxy.client.authorizeAgent({ sessionToken, agentId, kind });
  for (const kind of ["ssh", "pty", "forward"]) {
    await expect(enter(owner.token, kind)).rejects.toMatchObject({ code: "permission_denied" });
    await expect(enter(ana.token, kind)).resolves.toMatchObject({ agentId });
  }
  await expect(owner.client.ptySignedToken({ body: { url: "", agentID: agentId } })).rejects.toMatchObject({
    code: "permission_denied",
  });
  await expect(owner.client.tokenCreate({ params: { user: "ana" }, body: {} })).rejects.toMatchObject({
    code: "permission_denied",
  });
  const { id } = test.workspace;
  await owner.client.workspaceUpdate({ params: { workspace: id }, body: { name: "renamed" } });
});

test("a port is shared no further than the template currently allows", async () => {
  await using test = await start();
  const { owner, ana, visit } = test;
  const ben = await test.server.user(owner, { username: "ben" });
  const limit = (level: "owner" | "authenticated" | "public") =>
    owner.client.templateUpdate({
      params: { template: test.template.id },
      body: { max_port_share_level: level },
    });
  const share = {
    params: { workspace: test.workspace.id },
    body: { agent_name: "main", port: 9000, share_level: "public" as const },
  };
  await limit("public");
  await ana.client.portShareUpsert(share);
  expect(await visit("9000", "")).toBe("granted");
  await limit("authenticated");
  expect(await visit("9000", "")).toBe("redirect");
  expect(await visit("9000", ben.token)).toBe("granted");
  // As written by a release that does not cap share levels.
  const client = new pg.Client({ connectionString: test.server.config.CODER_PG_CONNECTION_URL });
  await client.connect();
  await client.query("UPDATE workspace_port_shares SET share_level = 'public'");
  await client.end();
  expect(await visit("9000", "")).toBe("redirect");
  await limit("owner");
  expect(await visit("9000", ben.token)).toBe("404");
  expect(await visit("9000", ana.token)).toBe("granted");
});

test("a template decides who answers cross-origin requests to its apps", async () => {
  await using test = await start();
  const { owner, ana, proxy } = test;
  const behaviour = async () => {
    const { decision } = await proxy.client.authorizeApp({
      accessMethod: AccessMethod.SUBDOMAIN,
      usernameOrId: "ana",
      workspaceNameOrId: "dev",
      agentNameOrId: "",
      appSlugOrPort: "owner",
      sessionToken: ana.token,
      requestUrl: "http://owner--dev--ana.apps.test/",
    });
    return decision.case === "granted" && decision.value.target?.corsPassthru;
  };
  expect(await behaviour()).toBe(false);
  const params = { template: test.workspace.template_id };
  const updated = await owner.client.templateUpdate({ params, body: { cors_behavior: "passthru" } });
  expect(updated?.cors_behavior).toBe("passthru");
  expect(await behaviour()).toBe(true);
  const refused = owner.client.templateUpdate({ params, body: { cors_behavior: "bogus" as "simple" } });
  await expect(refused).rejects.toMatchObject({ code: "invalid_argument" });
});

test("digits name an app if one exists, otherwise a port where ports are allowed", async () => {
  await using test = await start();
  const { proxy, ana } = test;
  const openedAt = async (slug: string, agent: string, method = AccessMethod.SUBDOMAIN) => {
    const { decision } = await proxy.client.authorizeApp({
      accessMethod: method,
      usernameOrId: "ana",
      workspaceNameOrId: "dev",
      agentNameOrId: agent,
      appSlugOrPort: slug,
      sessionToken: ana.token,
      requestUrl: "http://127.0.0.1:3000/",
    });
    if (decision.case === "granted") return decision.value.target?.url;
    return decision.case === "refused" ? decision.value.status : undefined;
  };
  expect(await openedAt("443", "")).toBe("http://localhost:7777/443");
  expect(await openedAt("8081", "main")).toBe("http://localhost:7777/8081");
  expect(await openedAt("443", "", AccessMethod.PATH)).toBe("http://localhost:7777/443");
  expect(await openedAt("8080", "main")).toBe("http://127.0.0.1:8080");
  expect(await openedAt("8080s", "main")).toBe("https://127.0.0.1:8080");
  for (const [slug, agent, method] of [
    ["22", "main"],
    ["9", "main"],
    ["443s", "main"],
    ["08080", "main"],
    ["65536", "main"],
    ["8080", ""],
    ["8080", "main", AccessMethod.PATH],
    ["8080", "", AccessMethod.PATH],
  ] as const)
    expect([slug, agent, await openedAt(slug, agent, method)]).toEqual([slug, agent, 404]);
});

test("signing in never redirects to another origin", async () => {
  await using test = await start();
  const { httpUrl } = test.server.coderd;
  const host = "owner--dev--ana.apps.test";
  const redirect = (target: string, token = test.ana.token) =>
    fetch(`${httpUrl}/api/v2/applications/auth-redirect?redirect_uri=${encodeURIComponent(target)}`, {
      redirect: "manual",
      headers: token ? { "coder-session-token": token } : {},
    });
  for (const target of [
    `https://${host}:3000/`,
    `http://${host}:9999/`,
    `http://${host}.:3000/`,
    `http://ana@${host}:3000/`,
    `http://evil.test\\@${host}:3000/`,
    `//${host}:3000/`,
    "http://127.0.0.1:3000/",
  ])
    for (const token of [test.ana.token, ""]) expect((await redirect(target, token)).status).toBe(400);
  const { headers } = await redirect(`http://${host}:3000//evil.test/`);
  expect(headers.get("location")).toMatch(/^http:\/\/owner--dev--ana\.apps\.test:3000\/evil\.test\/\?/);
  const login = new URL((await redirect(`http://${host}:3000//evil.test/`, "")).headers.get("location")!);
  expect(login.searchParams.get("redirect")).toMatch(/^\/api\/v2\/applications\/auth-redirect\?/);
});

test("traffic of an app counts as use of the workspace, up to the present", async () => {
  await using test = await start();
  const read = () => test.ana.client.workspaceGet({ params: { workspace: test.workspace.id } });
  const before = Date.parse((await read()).last_used_at);
  const report = (endedAtMs: number) =>
    test.proxy.client.reportAppStats({
      sessions: [
        {
          sessionId: randomUUID(),
          userId: test.ana.id,
          workspaceId: test.workspace.id,
          agentId: test.agentId,
          slugOrPort: "owner",
          accessMethod: AccessMethod.SUBDOMAIN,
          startedAtMs: BigInt(before),
          endedAtMs: BigInt(endedAtMs),
          requests: 3n,
        },
      ],
    });
  await report(before + 1);
  expect(Date.parse((await read()).last_used_at)).toBe(before + 1);
  // The proxy's clock is ahead.
  await report(Date.now() + 24 * 3_600_000);
  const { last_used_at } = await read();
  expect(Date.parse(last_used_at)).toBeGreaterThan(before + 1);
  expect(Date.parse(last_used_at)).toBeLessThanOrEqual(Date.now());
});
