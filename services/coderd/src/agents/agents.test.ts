import { randomUUID } from "node:crypto";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { createGrpcClient } from "@fleet/proto-gen";
import { AppHealth, LifecycleState, LogLevel } from "@fleet/proto-gen/agent";
import { CheckedGrant_Verdict, GrantKind, ProxyService } from "@fleet/proto-gen/proxy";
import { createClient } from "@fleet/sdk";
import { waitFor } from "@fleet/testkit";
import { createDatabase } from "../database/client.js";
import { createAgentWorkspace, createTestAgent, createTestProxy } from "../testing/agents.js";
import { createTestCoderd, PROXY_TOKEN, type TestCoderd } from "../testing/coderd.js";
import { startProvisioner } from "../testing/work.js";

async function start(options: Parameters<typeof createAgentWorkspace>[2] = {}) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd());
  const owner = await server.owner();
  stack.use(await startProvisioner(server)).serve();
  const made = await createAgentWorkspace(owner, owner, options);
  const agent = stack.use(await createTestAgent(server, made.token));
  const get = () => owner.client.agentGet({ params: { agent: made.agentId } });
  return { ...made, server, owner, agent, get, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function openDatabase(server: TestCoderd) {
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 2 });
  return { db, [Symbol.asyncDispose]: close };
}

test("an agent is connected while its control stream is open, and a later run replaces an earlier one", async () => {
  await using test = await start();
  expect((await test.get()).status).toBe("connecting");
  const first = await test.agent.connect();
  expect((await test.get()).status).toBe("connected");
  const second = await test.agent.connect();
  await first.ended;
  expect((await test.get()).status).toBe("connected");
  second.hangUp();
  await waitFor(async () => (await test.get()).status === "disconnected", {
    what: "the agent to be gone",
  });
  expect(await test.server.scrape()).toMatch(
    /coderd_agents_first_connection_seconds_count\{[^}]*agent_name="main"[^}]*\} 1\n/,
  );
});

test("the lifecycle only moves forward: late reports change nothing", async () => {
  await using test = await start();
  const report = (state: LifecycleState) => test.agent.client.updateLifecycle({ state });
  const state = async () => (await test.get()).lifecycle_state;
  await report(LifecycleState.STARTING);
  await report(LifecycleState.READY);
  await report(LifecycleState.START_TIMEOUT);
  expect(await state()).toBe("ready");
  await report(LifecycleState.SHUTTING_DOWN);
  await report(LifecycleState.OFF);
  await report(LifecycleState.READY);
  expect(await state()).toBe("off");
  await report(LifecycleState.STARTING);
  expect(await state()).toBe("starting");
  await expect(report(LifecycleState.UNSPECIFIED)).rejects.toMatchObject({ code: "invalid_argument" });
});

/** Sends numbered log lines, as a single run of the agent. */
async function logsOf(test: Awaited<ReturnType<typeof start>>) {
  const bootId = randomUUID();
  await test.agent.connect(bootId);
  const send = (sequence: bigint, logSourceId: string, ...outputs: string[]) =>
    test.agent.client.batchCreateLogs({
      logSourceId,
      bootId,
      sequence,
      logs: outputs.map((output) => ({
        level: LogLevel.INFO,
        output,
        createdAt: timestampFromDate(new Date()),
      })),
    });
  const lines = async (source?: string) => {
    const all = await test.owner.client.agentLogs({ params: { agent: test.agentId } });
    return all.filter(({ source_id }) => !source || source_id === source).map(({ output }) => output);
  };
  return { send, lines };
}

const OVERFLOWED = "The log reached its limit of 1 MiB. Later lines from this source were dropped.";

test("a batch of log lines sent twice is stored once, and a long line is split", async () => {
  await using test = await start();
  const { send, lines } = await logsOf(test);
  const source = randomUUID();
  await send(1n, source, "one", "two");
  await send(1n, source, "one", "two");
  await send(2n, source, "three\0", "x".repeat(20_000));
  const [one, two, three, ...pieces] = await lines();
  expect([one, two, three]).toEqual(["one", "two", "three"]);
  expect(pieces.map(({ length }) => length)).toEqual([8_192, 8_192, 3_616]);
});

test("the whole log is one response, however many lines it has", async () => {
  await using test = await start();
  const { send, lines } = await logsOf(test);
  const many = Array.from({ length: 3_500 }, (_, at) => `line ${at}`);
  await send(1n, randomUUID(), ...many);
  expect(await lines()).toEqual(many);
});

test("a log is kept up to its limit, with one truncation notice", async () => {
  await using test = await start({
    scripts: [
      { displayName: "Flood", script: "yes" },
      { displayName: "Small", script: "echo" },
    ],
  });
  const { send, lines } = await logsOf(test);
  const [flood, small] = (await test.get()).log_sources.map(({ id }) => id) as [string, string];
  const long = "x".repeat(8 * 1024);
  // A single batch that exceeds the limit.
  const batch = ["before", ...Array.from({ length: 200 }, () => long)];
  expect(await send(1n, flood, ...batch)).toMatchObject({ logLimitExceeded: true });
  const kept = await lines(flood);
  expect(kept[0]).toBe("before");
  expect(kept).toHaveLength(1 + 127 + 1);
  expect(kept.at(-1)).toBe(OVERFLOWED);
  expect((await test.get()).logs_overflowed).toBe(true);
  expect(await send(2n, flood, "later")).toMatchObject({ logLimitExceeded: true });
  expect(await lines(flood)).toEqual(kept);

  expect(await send(3n, small, "a", "b", "failed: 3")).toMatchObject({ logLimitExceeded: false });
  expect(await lines(small)).toEqual(["a", "b", "failed: 3"]);
  expect(await send(4n, small, ...batch)).toMatchObject({ logLimitExceeded: true });
  const own = await lines(small);
  expect(own.slice(0, 4)).toEqual(["a", "b", "failed: 3", "before"]);
  expect(own.slice(4)).toEqual([...Array.from({ length: 7 }, () => long), OVERFLOWED]);
  // A source that is not in the manifest has no guaranteed share.
  expect(await send(5n, randomUUID(), "stranger")).toMatchObject({ logLimitExceeded: true });
});

test("empty lines count towards the limit", async () => {
  await using test = await start();
  await using database = openDatabase(test.server);
  const { send } = await logsOf(test);
  const source = randomUUID();
  const batch = Array.from({ length: 1024 * 64 }, () => "");
  const answers = [
    await send(1n, source, ...batch),
    await send(2n, source, ...batch),
    await send(3n, source, ""),
  ];
  expect(answers.map(({ logLimitExceeded }) => logLimitExceeded)).toEqual([false, false, true]);
  const stored = await database.db.workspaceAgentLog.count({ where: { agentId: test.agentId } });
  expect(stored).toBe(1024 * 128 + 1);
});

test("the last use of a workspace is kept until it is written", async () => {
  await using test = await start();
  await using database = openDatabase(test.server);
  const { db } = database;
  const lastUsed = async () =>
    (await db.workspace.findFirstOrThrow({ where: { id: test.workspace.id } })).lastUsedAt;
  const before = await lastUsed();
  await test.agent.client.updateStats({ sessionCountSsh: 1n, rxBytes: 10n });
  const { agentStats } = test.server.coderd.domain;
  await db.$executeRaw`ALTER TABLE workspaces RENAME TO workspaces_away`;
  await db.$executeRaw`ALTER TABLE workspace_agent_stats RENAME TO stats_away`;
  await agentStats.flush();
  await db.$executeRaw`ALTER TABLE workspaces_away RENAME TO workspaces`;
  await db.$executeRaw`ALTER TABLE stats_away RENAME TO workspace_agent_stats`;
  expect(await lastUsed()).toEqual(before);
  await agentStats.flush();
  expect((await lastUsed()).getTime()).toBeGreaterThan(before.getTime());
  expect(await db.workspaceAgentStat.count({ where: { agentId: test.agentId } })).toBe(1);
  await agentStats.flush();
  expect(await db.workspaceAgentStat.count({ where: { agentId: test.agentId } })).toBe(1);
});

test("metadata lives in Redis, and reaches Postgres only when it is flushed", async () => {
  const item = { key: "cpu", displayName: "CPU", script: "uptime", intervalSeconds: 1n, timeoutSeconds: 1n };
  await using test = await start({ metadata: [item] });
  await using database = openDatabase(test.server);
  const stored = async () =>
    (await database.db.workspaceAgentMetadata.findFirstOrThrow({ where: { agentId: test.agentId } })).value;
  const watching = test.owner.client
    .agentWatchMetadataSocket({ params: { agent: test.agentId } })
    [Symbol.asyncIterator]();
  const seen = async () => {
    const { value: event } = await watching.next();
    return event.type === "data" ? event.data[0]?.result.value : undefined;
  };
  expect(await seen()).toBe("");

  const report = (value: string, key = "cpu") =>
    test.agent.client.batchUpdateMetadata({ results: [{ key, value, error: "" }] });
  await report("1 %");
  expect(await seen()).toBe("1 %");
  expect(await stored()).toBe("");

  const { agentMetadata } = test.server.coderd.domain;
  await report("2 %");
  await report("of nobody", "unknown");
  await agentMetadata.flush();
  expect(await stored()).toBe("2 %");
  await watching.return?.();
});

test("the token of a replaced build is rejected, and its connections are closed", async () => {
  await using test = await start();
  using proxy = await createTestProxy(test.server);
  await proxy.hold(test.agentId);
  const tunnel = { kind: GrantKind.TUNNEL, agentId: test.agentId, workspaceId: test.workspace.id };
  const verdict = async () => (await proxy.client.checkGrants({ grants: [tunnel] })).grants[0]!.verdict;
  expect(await verdict()).toBe(CheckedGrant_Verdict.HOLDS);
  const { ended } = await test.agent.connect();
  await test.owner.client.workspaceBuildCreate({
    params: { workspace: test.workspace.id },
    body: { transition: "stop" },
  });
  await ended;
  await waitFor(() => proxy.changed().includes(`workspace:${test.workspace.id}`), {
    what: "the proxy to be told",
  });
  expect(await verdict()).toBe(CheckedGrant_Verdict.ENDED);
  await waitFor(async () => (await test.get()).status === "disconnected", { what: "the agent to be gone" });
  const call = proxy.client.authenticateAgent({ agentToken: test.token });
  await expect(call).rejects.toMatchObject({ code: "unauthenticated" });
  const again = createTestAgent(test.server, test.token);
  await expect(again).rejects.toMatchObject({ code: "unauthenticated" });
  expect((await test.get()).status).toBe("disconnected");
});

test("stopping a coderd removes neither its agents' presence nor its proxies' routes", async () => {
  await using test = await start();
  const other = await test.server.replica();
  using proxy = await createTestProxy(test.server);
  await proxy.hold(test.agentId);
  const { ended } = await test.agent.connect();
  const elsewhere = createGrpcClient(ProxyService, {
    address: other.grpcAddress,
    metadata: () => ({ "coder-proxy-token": PROXY_TOKEN }),
  });
  const routes = async () => (await elsewhere.lookupRoute({ agentId: test.agentId })).routes;
  await waitFor(async () => (await routes()).length === 1, { what: "the route to be announced" });
  await test.server.coderd.close();
  await ended;
  const client = createClient({ baseUrl: other.httpUrl, token: test.owner.token });
  expect((await client.agentGet({ params: { agent: test.agentId } })).status).toBe("connected");
  expect(await routes()).toHaveLength(1);
  elsewhere.close();
});

test("proxies are told that a disconnected agent is expected back, and a stopped one is not", async () => {
  await using test = await start();
  using proxy = await createTestProxy(test.server);
  const expected = async () => (await proxy.client.lookupRoute({ agentId: test.agentId })).agentExpected;
  expect(await expected()).toBe(false);
  const stream = await test.agent.connect();
  expect(await expected()).toBe(true);
  stream.hangUp();
  await waitFor(async () => (await test.get()).status === "disconnected", { what: "the agent to be gone" });
  expect(await expected()).toBe(true);
  for (const state of [LifecycleState.STARTING, LifecycleState.READY, LifecycleState.SHUTTING_DOWN])
    await test.agent.client.updateLifecycle({ state, changedAt: timestampFromDate(new Date()) });
  expect(await expected()).toBe(false);
});

test("listening ports are returned as reported by the agent", async () => {
  await using test = await start();
  const ports = () => test.owner.client.agentListeningPorts({ params: { agent: test.agentId } });
  expect(await ports()).toEqual({ ports: [] });
  await test.agent.client.updateStats({
    listeningPorts: [{ port: 8080, network: "tcp", processName: "node" }],
  });
  expect(await ports()).toEqual({ ports: [{ port: 8080, network: "tcp", process_name: "node" }] });
});

test("an agent can report health only for its own apps", async () => {
  const app = { slug: "web", displayName: "Web", url: "http://localhost:8080", id: randomUUID() };
  const healthcheck = { url: "http://localhost:8080/healthz", intervalSeconds: 1, threshold: 2 };
  await using test = await start({ apps: [{ ...app, healthcheck }] });
  const [shown] = (await test.get()).apps;
  expect(shown).toMatchObject({ slug: "web", health: "initializing" });
  await test.agent.client.batchUpdateAppHealths({
    updates: [
      { appId: shown!.id, health: AppHealth.HEALTHY },
      { appId: randomUUID(), health: AppHealth.HEALTHY },
    ],
  });
  expect((await test.get()).apps[0]).toMatchObject({ health: "healthy" });
});

test("an agent's token is accepted as a header, but not as a cookie or in a URL", async () => {
  await using test = await start();
  const url = `${test.server.coderd.httpUrl}/api/v2/workspaceagents/me/gitsshkey`;
  const statusOf = async (query: string, headers: Record<string, string>) =>
    (await fetch(url + query, { headers })).status;
  expect(await statusOf("", { "coder-session-token": test.token })).toBe(200);
  expect(await statusOf("", { cookie: `coder_session_token=${test.token}` })).toBe(401);
  expect(await statusOf(`?coder_session_token=${test.token}`, {})).toBe(401);
});
