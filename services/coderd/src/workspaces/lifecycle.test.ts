import { nullLogger } from "@fleet/base";
import { createTestCoderd, type TestCoderd } from "../testing/coderd.js";
import { built, createTemplate, createWorkspace, ONE_AGENT, startProvisioner } from "../testing/work.js";
import { runLifecycle } from "./lifecycle.js";

const HOUR_MS = 3_600_000;

/** Does what would be due so much later. */
function later({ coderd: { domain } }: TestCoderd, ms: number) {
  const { lifecycleStore: store, builds } = domain;
  const clock = { now: () => new Date(Date.now() + ms) } as never;
  return runLifecycle({ store, builds, clock, logger: nullLogger });
}

test("a workspace stops at its deadline and starts at its time", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  await owner.client.templateUpdate({
    params: { template: template.id },
    body: { default_ttl_ms: 2 * HOUR_MS },
  });
  const workspace = await createWorkspace(owner, template);
  await built(owner, workspace);
  expect(await later(server, HOUR_MS)).toEqual([]);
  expect(await later(server, 3 * HOUR_MS)).toEqual([{ workspaceId: workspace.id, action: "stop" }]);
  expect(await built(owner, workspace)).toMatchObject({
    status: "stopped",
    reason: "autostop",
    initiator_name: "owner",
  });

  const params = { workspace: workspace.id };
  await owner.client.workspaceAutostartUpdate({ params, body: { schedule: "CRON_TZ=UTC 0 9 * * *" } });
  expect(await later(server, 24 * HOUR_MS)).toEqual([{ workspaceId: workspace.id, action: "start" }]);
  expect(await built(owner, workspace)).toMatchObject({ status: "running", reason: "autostart" });
  const { next_start_at } = await owner.client.workspaceGet({ params });
  expect(Date.parse(next_start_at!)).toBeGreaterThan(Date.now() + 24 * HOUR_MS);
});

test("a failed start is stopped, an unused workspace falls asleep and is deleted in the end", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner, { ...ONE_AGENT, apply: { only: "start", error: "no room" } });
  await owner.client.templateUpdate({
    params: { template: template.id },
    body: {
      failure_ttl_ms: HOUR_MS,
      time_til_dormant_ms: 48 * HOUR_MS,
      time_til_dormant_autodelete_ms: 24 * HOUR_MS,
    },
  });
  const workspace = await createWorkspace(owner, template);
  expect(await built(owner, workspace)).toMatchObject({ status: "failed", job: { error: "no room" } });
  expect(await later(server, 2 * HOUR_MS)).toEqual([{ workspaceId: workspace.id, action: "stop" }]);
  expect(await built(owner, workspace)).toMatchObject({ status: "stopped" });
  expect(await later(server, 49 * HOUR_MS)).toEqual([{ workspaceId: workspace.id, action: "dormant" }]);
  const params = { workspace: workspace.id };
  expect(await owner.client.workspaceGet({ params })).toMatchObject({
    dormant_at: expect.any(String),
    deleting_at: expect.any(String),
  });
  expect(await later(server, 80 * HOUR_MS)).toEqual([{ workspaceId: workspace.id, action: "delete" }]);
  expect(await built(owner, workspace)).toMatchObject({ status: "deleted" });
});

test("a delete that fails is tried again the next day, not each minute", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner, { ...ONE_AGENT, apply: { only: "delete", error: "in use" } });
  await owner.client.templateUpdate({
    params: { template: template.id },
    body: { time_til_dormant_ms: HOUR_MS, time_til_dormant_autodelete_ms: HOUR_MS },
  });
  const workspace = await createWorkspace(owner, template);
  await built(owner, workspace);
  const step = (action: string) => [{ workspaceId: workspace.id, action }];
  expect(await later(server, 2 * HOUR_MS)).toEqual(step("dormant"));
  expect(await built(owner, workspace)).toMatchObject({ status: "stopped", reason: "dormancy" });
  expect(await later(server, 4 * HOUR_MS)).toEqual(step("delete"));
  expect(await built(owner, workspace)).toMatchObject({ status: "failed", transition: "delete" });
  expect(await later(server, 5 * HOUR_MS)).toEqual([]);
  expect(await later(server, 25 * HOUR_MS)).toEqual(step("delete"));
});
