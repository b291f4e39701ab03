import { randomUUID } from "node:crypto";
import { SharingLevel } from "@fleet/proto-gen/provisioner";
import { AccessMethod } from "@fleet/proto-gen/proxy";
import { createAgentWorkspace, createTestProxy } from "../testing/agents.js";
import { createTestCoderd, type TestUser } from "../testing/coderd.js";
import { built, startProvisioner } from "../testing/work.js";

/** A stopped workspace of ana with an app that every user may open, and a proxy. */
async function start(wake_on: ("ssh" | "apps")[] = ["ssh", "apps"]) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd({ env: { CODER_WILDCARD_ACCESS_URL: "*.apps.test" } }));
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  stack.use(await startProvisioner(server)).serve();
  const { AUTHENTICATED: sharingLevel } = SharingLevel;
  const app = {
    id: randomUUID(),
    slug: "web",
    displayName: "Web",
    url: "http://localhost:1",
    subdomain: true,
  };
  const { workspace, template } = await createAgentWorkspace(owner, ana, {
    apps: [{ ...app, sharingLevel }],
  });
  await owner.client.templateUpdate({ params: { template: template.id }, body: { wake_on } });
  const params = { workspace: workspace.id };
  await ana.client.workspaceBuildCreate({ params, body: { transition: "stop" } });
  await built(ana, workspace);
  const proxy = stack.use(await createTestProxy(server));
  const decide = async (sessionToken: string) => {
    const { decision } = await proxy.client.authorizeApp({
      accessMethod: AccessMethod.SUBDOMAIN,
      usernameOrId: "ana",
      workspaceNameOrId: "dev",
      agentNameOrId: "",
      appSlugOrPort: "web",
      sessionToken,
      requestUrl: "http://web--dev--ana.apps.test/",
    });
    return decision.case === "refused" ? decision.value : undefined;
  };
  return {
    server,
    owner,
    ana,
    workspace,
    params,
    decide,
    wake: async (sessionToken: string) =>
      (await proxy.client.wakeWorkspace({ workspaceId: workspace.id, sessionToken })).refusal,
    builds: async () => (await ana.client.workspaceBuildList({ params, query: {} })).length,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The session of an app's host. */
async function appSession({ client }: TestUser): Promise<string> {
  return (await client.tokenCreate({ params: { user: "me" }, body: { scope: "application_connect" } })).key;
}

test("a request to an app starts the stopped workspace once, as the user who may open it", async () => {
  await using test = await start();
  const token = await appSession(test.ana);
  expect(await test.decide(token)).toMatchObject({ wakeableWorkspaceId: test.workspace.id, starting: false });
  expect(await Promise.all([test.wake(token), test.wake(token), test.wake(token)])).toEqual(["", "", ""]);
  await built(test.ana, test.workspace);
  // It runs: nobody starts it again.
  expect(await test.wake(token)).toBe("");
  expect(await test.builds()).toBe(3);
  expect(await test.decide(token)).toMatchObject({ wakeableWorkspaceId: "", starting: true });
  const { audit_logs } = await test.owner.client.auditList({ query: { q: "action:start" } });
  expect(audit_logs.map(({ user }) => user?.username)).toEqual(["ana", "ana"].slice(0, audit_logs.length));
});

test("only those who may start a workspace wake it; others are told whom to ask", async () => {
  await using test = await start();
  const ben = await test.server.user(test.owner, { username: "ben" });
  const token = await appSession(ben);
  expect(await test.decide(token)).toMatchObject({
    status: 503,
    wakeableWorkspaceId: "",
    message: expect.stringMatching(/^The workspace "dev" of ana is not running.*Ask ana to start it\.$/),
  });
  expect(await test.wake(token)).toMatch(/not found/i);
  expect(await test.wake("nobody's")).toMatch(/signed out/);
  expect(await test.builds()).toBe(2);
});

test("a template decides which connections wake a workspace", async () => {
  await using test = await start([]);
  const token = await appSession(test.ana);
  expect(await test.decide(token)).toMatchObject({ status: 400, wakeableWorkspaceId: "" });
  expect(await test.wake(token)).toMatch(/does not start stopped workspaces/);
  const connect = test.ana.client.workspaceBuildCreate({
    params: test.params,
    body: { transition: "start", reason: "vscode_connection" },
  });
  await expect(connect).rejects.toThrow(/coder start dev/);
  await test.ana.client.workspaceBuildCreate({
    params: test.params,
    body: { transition: "start", reason: "cli" },
  });
  expect((await built(test.ana, test.workspace)).status).toBe("running");
});

test("a dormant workspace is not woken, and its app says why", async () => {
  await using test = await start();
  await test.ana.client.workspaceDormancyUpdate({ params: test.params, body: { dormant: true } });
  const token = await appSession(test.ana);
  expect(await test.decide(token)).toMatchObject({
    wakeableWorkspaceId: "",
    title: "Workspace is dormant",
    message: expect.stringMatching(/Activate it/),
  });
  expect(await test.wake(token)).toMatch(/dormant/);
});
