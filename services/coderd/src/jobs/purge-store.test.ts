import { randomUUID } from "node:crypto";
import { createDatabase } from "../database/client.js";
import { createTestCoderd } from "../testing/coderd.js";
import { built, createTemplate, createWorkspace, startProvisioner } from "../testing/work.js";
import { KEPT_MS, purge } from "./purge-store.js";

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
  await purge({ db, clock: clockAhead(KEPT_MS.agentLogs - 60_000), statesKept: 100 });
  expect(await counts()).toEqual([1, 1, stats, keys]);
  expect(await db.accessChange.count()).toBe(0);
  await purge({ db, clock: clockAhead(KEPT_MS.agentLogs + 60_000), statesKept: 100 });
  expect((await counts()).slice(0, 2)).toEqual([0, 1]);
  await purge({ db, clock: clockAhead(KEPT_MS.agentStats + 60_000), statesKept: 100 });
  expect((await counts()).slice(2, 3)).toEqual([0]);
  // The owner's one-day session expired half a year ago.
  expect(await db.apiKey.count({ where: { tokenName: "" } })).toBe(0);
});
