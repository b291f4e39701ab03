import { randomUUID } from "node:crypto";
import { createDatabase } from "../database/client.js";
import { createTestCoderd } from "../testing/coderd.js";
import { built, createTemplate, createWorkspace, startProvisioner } from "../testing/work.js";
import { KEPT_MS, purge } from "./purge-store.js";

const DAY_MS = 24 * 3_600_000;
const retention = { auditLogs: 0, connectionLogs: 0, apiKeys: 7 * DAY_MS, agentLogs: 7 * DAY_MS };
const clockAhead = (ms: number) => ({ now: () => new Date(Date.now() + ms) }) as never;

test("old rows are deleted, and the running agent's logs are kept", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const workspace = await createWorkspace(owner, await createTemplate(owner));
  const agentOf = async () => (await built(owner, workspace)).resources[0]!.agents![0]!.id;
  const { agentLogs, agentStats, agentStore } = server.coderd.domain;
  const line = { createdAt: new Date(), level: "info", output: "hello" };

  const replaced = await agentOf();
  await agentLogs.append(replaced, randomUUID(), { bootId: "", sequence: 0n }, [line]);
  await owner.client.workspaceBuildCreate({
    params: { workspace: workspace.id },
    body: { transition: "start" },
  });
  const running = await agentOf();
  await agentLogs.append(running, randomUUID(), { bootId: "", sequence: 0n }, [line]);
  await agentStore.addStats([
    { userId: owner.id, workspaceId: workspace.id, templateId: workspace.template_id, agentId: running },
  ]);
  await agentStats.flush();

  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 2 });
  await using _ = { [Symbol.asyncDispose]: close };
  const counts = async () => [
    (await agentLogs.read(replaced, 0n)).length,
    (await agentLogs.read(running, 0n)).length,
    await db.workspaceAgentStat.count(),
    await db.apiKey.count(),
  ];
  const [, , stats, keys] = await counts();
  expect(await db.accessChange.count()).toBeGreaterThan(0);
  await purge({ db, clock: clockAhead(retention.agentLogs - 60_000), statesKept: 100, retention });
  expect(await counts()).toEqual([1, 1, stats, keys]);
  expect(await db.accessChange.count()).toBe(0);
  await purge({ db, clock: clockAhead(retention.agentLogs + 60_000), statesKept: 100, retention });
  expect((await counts()).slice(0, 2)).toEqual([0, 1]);
  await purge({ db, clock: clockAhead(KEPT_MS.agentStats + 60_000), statesKept: 100, retention });
  expect((await counts()).slice(2, 3)).toEqual([0]);
  // The owner's one-day session expired half a year ago.
  expect(await db.apiKey.count({ where: { tokenName: "" } })).toBe(0);
});

test("audit and connection logs are kept for ever, or as long as the operator says", async () => {
  await using server = await createTestCoderd();
  await server.owner();
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 2 });
  await using _ = { [Symbol.asyncDispose]: close };
  const connection = {
    workspaceId: randomUUID(),
    agentId: randomUUID(),
    type: "ssh",
    connectedAt: new Date(),
  };
  await db.connectionLog.create({ data: { ...connection, connectionId: randomUUID() } });
  const rows = async () => [await db.auditLog.count(), await db.connectionLog.count()];
  const [entries] = await rows();
  expect(entries).toBeGreaterThan(0);
  const years = { db, clock: clockAhead(3_650 * DAY_MS), statesKept: 100 };
  await purge({ ...years, retention });
  expect(await rows()).toEqual([entries, 1]);
  await purge({ ...years, retention: { ...retention, connectionLogs: 90 * DAY_MS } });
  expect(await rows()).toEqual([entries, 0]);
  await purge({ ...years, retention: { ...retention, auditLogs: 365 * DAY_MS } });
  expect(await rows()).toEqual([0, 0]);
});
