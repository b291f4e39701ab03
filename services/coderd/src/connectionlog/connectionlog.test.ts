import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ConnectionSchema } from "@fleet/proto-gen/proxy";
import { createFakeClock } from "@fleet/testkit";
import { createDatabase } from "../database/client.js";
import { createAgentWorkspace, createTestAgent, createTestProxy } from "../testing/agents.js";
import { createTestCoderd } from "../testing/coderd.js";
import { startProvisioner } from "../testing/work.js";
import { parseConnectionQuery } from "./query.js";
import { endLostConnections, SESSIONS_LOST_AFTER_MS } from "./reports-store.js";

async function start() {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd());
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  stack.use(await startProvisioner(server)).serve();
  const made = await createAgentWorkspace(owner, ana);
  const agent = stack.use(await createTestAgent(server, made.token));
  await agent.connect();
  const proxy = stack.use(await createTestProxy(server));
  const replicaId = randomUUID();
  const began = Date.now();
  const connection = (facts: MessageInitShape<typeof ConnectionSchema> = {}) => ({
    connectionId: randomUUID(),
    type: "ssh",
    agentId: made.agentId,
    workspaceId: made.workspace.id,
    userId: ana.id,
    ip: "10.1.2.3",
    userAgent: "coder/v2",
    connectedAtMs: BigInt(began),
    ...facts,
  });
  return {
    ...{ server, owner, ana, made, agent, proxy, replicaId, connection, began },
    report: (...connections: MessageInitShape<typeof ConnectionSchema>[]) =>
      proxy.client.reportConnections({ replicaId, connections }),
    list: async (q = "") => (await owner.client.connectionLogList({ query: { q } })).connection_logs,
    database() {
      const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 2 });
      stack.defer(close);
      return db;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test.each(["proxy", "agent"])(
  "a session says who, from where, how long and how it ended, where the %s reports first",
  async (first) => {
    await using test = await start();
    const { agent, connection, report } = test;
    const ssh = connection();
    const session = { connectionId: randomUUID(), streamId: ssh.connectionId, type: "vscode" };
    const fromProxy = () => report(ssh);
    const fromAgent = () => agent.client.reportConnection({ ...session, action: "connect" });
    await (first === "proxy" ? fromProxy() : fromAgent());
    await (first === "proxy" ? fromAgent() : fromProxy());
    const facts = {
      type: "vscode",
      ip: "10.1.2.3",
      user: expect.objectContaining({ username: "ana" }),
      user_agent: "coder/v2",
      workspace_name: "dev",
      workspace_owner_username: "ana",
      agent_name: "main",
      connect_time: new Date(test.began).toISOString(),
    };
    const open = await test.list("status:ongoing");
    expect(open).toEqual([
      expect.objectContaining({ ...facts, ssh_info: { connection_id: ssh.connectionId } }),
    ]);

    const at = timestampFromDate(new Date(test.began + 4_000));
    await agent.client.reportConnection({ ...session, action: "disconnect", at, exitCode: 3 });
    await report({ ...ssh, disconnectedAtMs: BigInt(test.began + 5_000), reason: "Your access ended." });
    const ended = {
      disconnect_time: new Date(test.began + 5_000).toISOString(),
      disconnect_reason: "Your access ended.",
    };
    expect(await test.list("status:completed type:vscode username:ana")).toEqual([
      expect.objectContaining({
        ...facts,
        ...ended,
        ssh_info: { connection_id: ssh.connectionId, ...ended, exit_code: 3 },
      }),
    ]);
    expect(await test.list("status:ongoing")).toEqual([]);
  },
);

test("an agent cannot change the connections of another, nor can one with bytes that no database stores end coderd", async () => {
  await using test = await start();
  const ben = await test.server.user(test.owner, { username: "ben" });
  const other = await createAgentWorkspace(test.owner, ben);
  using stranger = await createTestAgent(test.server, other.token);
  const ssh = test.connection({ userAgent: "evil\0agent", reason: "\ud800" });
  await test.report(ssh);
  const forged = { connectionId: randomUUID(), streamId: ssh.connectionId, type: "jetbrains" };
  await stranger.client.reportConnection({ ...forged, action: "disconnect", exitCode: 0 });
  await stranger.client.reportConnection({ ...forged, streamId: "no uuid", action: "connect" });
  expect(await test.list("workspace_owner:ana")).toEqual([
    expect.objectContaining({
      type: "ssh",
      user_agent: "evilagent",
      ssh_info: { connection_id: ssh.connectionId },
    }),
  ]);
  for (const wrong of [{ agentId: "x" }, { userId: "x" }, { type: "fax" }])
    await expect(test.report(test.connection(wrong))).rejects.toMatchObject({ code: "invalid_argument" });
});

test("the connections of a lost proxy have ended when it was last heard", async () => {
  await using test = await start();
  await test.report(test.connection());
  const db = test.database();
  const seen = await db.proxyReplica.findUniqueOrThrow({ where: { id: test.replicaId } });
  const clock = createFakeClock(new Date(seen.seenAt.getTime() + SESSIONS_LOST_AFTER_MS - 1_000));
  await endLostConnections({ db, clock });
  expect(await test.list("status:ongoing")).toHaveLength(1);
  await clock.advance(2_000);
  await endLostConnections({ db, clock });
  expect(await test.list()).toEqual([
    expect.objectContaining({
      disconnect_reason: "The proxy was lost.",
      disconnect_time: seen.seenAt.toISOString(),
    }),
  ]);
});

test("who may read the log reads all of it, page by page and as JSON lines; others are told that there is none", async () => {
  await using test = await start();
  const { owner, ana, connection, report, began } = test;
  const visit = { type: "workspace_app", slugOrPort: "web", userId: "" };
  const all = Array.from({ length: 1_203 }, (_, at) =>
    connection({ connectedAtMs: BigInt(began + (at >> 1)) }),
  );
  all.push(connection({ ...visit, connectedAtMs: BigInt(began + 10_000) }));
  for (let at = 0; at < all.length; at += 500) await report(...all.slice(at, at + 500));

  const page = await owner.client.connectionLogList({ query: { limit: 2, offset: 1 } });
  expect(page).toMatchObject({ count: all.length, connection_logs: { length: 2 } });
  const [app] = await test.list("type:workspace_app");
  expect(app).toMatchObject({
    user: null,
    web_info: { slug_or_port: "web", user: null, user_agent: "coder/v2", status_code: 200 },
  });
  expect(app).not.toHaveProperty("ssh_info");

  const response = await owner.client.connectionLogExport();
  expect(response.headers.get("content-type")).toBe("application/x-ndjson");
  const lines = (await response.text()).trimEnd().split("\n");
  const times = lines.map((line) => JSON.parse(line).connect_time);
  expect(times).toEqual(times.toSorted());
  expect(new Set(lines.map((line) => JSON.parse(line).id)).size).toBe(all.length);
  const audited = await (await owner.client.auditExport({ query: { q: "resource_type:user" } })).text();
  expect(
    audited
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).resource_target),
  ).toContain("ana");
  const nothing = await owner.client.connectionLogExport({ query: { q: "username:nobody" } });
  expect(await nothing.text()).toBe("");

  for (const read of [ana.client.connectionLogList, ana.client.connectionLogExport, ana.client.auditExport])
    await expect(read()).rejects.toMatchObject({ code: "not_found" });
  await expect(owner.client.connectionLogExport({ query: { q: "colour:red" } })).rejects.toMatchObject({
    code: "invalid_argument",
  });
});

test("a search names people, workspaces, kinds and times; me is the one who asks", () => {
  expect(parseConnectionQuery("dev username:me workspace_owner:ana status:Ongoing", "ben")).toEqual({
    workspace: "dev",
    username: "ben",
    workspaceOwner: "ana",
    status: "ongoing",
  });
  for (const query of ["type:fax", "status:open", "connected_after:yesterday", "workspace_id:7"])
    expect(() => parseConnectionQuery(query, "me")).toThrow(/is not a valid/);
});
