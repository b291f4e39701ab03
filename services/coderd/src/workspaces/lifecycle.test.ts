import { nullLogger } from "@fleet/base";
import { createDatabase } from "../database/client.js";
import { createTestCoderd, type TestCoderd } from "../testing/coderd.js";
import { built, createTemplate, createWorkspace, ONE_AGENT, startProvisioner } from "../testing/work.js";
import { runLifecycle } from "./lifecycle.js";

const HOUR_MS = 3_600_000;

/** Runs the actions due this much later. */
function later({ coderd: { domain } }: TestCoderd, ms: number) {
  const { lifecycleStore: store, builds, audit, notifier } = domain;
  const clock = { now: () => new Date(Date.now() + ms) } as never;
  return runLifecycle({ store, builds, audit, notifier, clock, logger: nullLogger, pageSize: 100 });
}

test("a workspace stops at its deadline and starts on schedule", async () => {
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
  const audited = await owner.client.auditList({ query: { q: "build_reason:autostart" } });
  expect(audited.audit_logs).toMatchObject([
    { action: "start", resource_target: workspace.name, user: { username: "owner" }, status_code: 200 },
  ]);
  const { next_start_at } = await owner.client.workspaceGet({ params });
  expect(Date.parse(next_start_at!)).toBeGreaterThan(Date.now() + 24 * HOUR_MS);
});

test("a failed start is stopped, and an unused workspace becomes dormant and is finally deleted", async () => {
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

test("a failed delete is retried the next day, not each minute", async () => {
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

test("a failed scheduled stop is retried with growing delays", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner, { ...ONE_AGENT, apply: { only: "stop", error: "in use" } });
  await owner.client.templateUpdate({ params: { template: template.id }, body: { default_ttl_ms: HOUR_MS } });
  const workspace = await createWorkspace(owner, template);
  await built(owner, workspace);
  const step = [{ workspaceId: workspace.id, action: "stop" }];
  expect(await later(server, 2 * HOUR_MS)).toEqual(step);
  expect(await built(owner, workspace)).toMatchObject({ status: "failed", build_number: 2 });
  const minutes = (count: number) => count * 60_000;
  expect(await later(server, minutes(14))).toEqual([]);
  expect(await later(server, minutes(16))).toEqual(step);
  expect(await built(owner, workspace)).toMatchObject({ status: "failed", build_number: 3 });
  expect(await later(server, minutes(29))).toEqual([]);
  expect(await later(server, minutes(31))).toEqual(step);
  expect(await built(owner, workspace)).toMatchObject({ build_number: 4 });
  // A failed stop that a user requested is not retried automatically.
  await owner.client.workspaceBuildCreate({
    params: { workspace: workspace.id },
    body: { transition: "stop" },
  });
  await built(owner, workspace);
  expect(await later(server, 48 * HOUR_MS)).toEqual([]);
});

test("due actions are checked under the lock: a workspace used meanwhile does not become dormant", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  await owner.client.templateUpdate({
    params: { template: template.id },
    body: { time_til_dormant_ms: HOUR_MS },
  });
  const workspace = await createWorkspace(owner, template);
  await built(owner, workspace);
  const { domain } = server.coderd;
  const now = new Date(Date.now() + 2 * HOUR_MS);
  const clock = { now: () => now } as never;
  // The workspace is used after the list of due workspaces was read, but before it is handled.
  const store = {
    ...domain.lifecycleStore,
    async due(...args: Parameters<typeof domain.lifecycleStore.due>) {
      const due = await domain.lifecycleStore.due(...args);
      await domain.activity.record(due.map(({ id }) => ({ workspaceId: id, kind: "ssh", at: now })));
      return due;
    },
  };
  expect(
    await runLifecycle({
      store,
      builds: domain.builds,
      audit: domain.audit,
      notifier: domain.notifier,
      clock,
      logger: nullLogger,
    }),
  ).toEqual([]);
  const { dormant_at } = await owner.client.workspaceGet({ params: { workspace: workspace.id } });
  expect(dormant_at).toBeNull();
});

test("one run handles all due actions, more than one page", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const workspace = await createWorkspace(owner, await createTemplate(owner));
  await built(owner, workspace);
  await owner.client.workspaceBuildCreate({
    params: { workspace: workspace.id },
    body: { transition: "stop" },
  });
  await built(owner, workspace);
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 2 });
  await using _ = { [Symbol.asyncDispose]: close };
  const COPIES = 220;
  // Copies of the stopped workspace, each with its own build and job, all due.
  await db.$executeRaw`
    WITH copy AS (
      SELECT gen_random_uuid() AS w, gen_random_uuid() AS b, gen_random_uuid() AS j, n
      FROM generate_series(1, ${COPIES}::int) n
    ), job AS (
      INSERT INTO provisioner_jobs (id, organization_id, initiator_id, type, provisioner, file_id, input, tags, queue,
        priority, created_at, updated_at, started_at, completed_at)
      SELECT c.j, p.organization_id, p.initiator_id, p.type, p.provisioner, p.file_id, '{}', p.tags, p.queue, p.priority,
        p.created_at, p.updated_at, p.started_at, p.completed_at
      FROM copy c, provisioner_jobs p WHERE p.id = (SELECT b.job_id FROM workspace_builds b JOIN workspaces w ON w.latest_build_id = b.id)
    ), made AS (
      INSERT INTO workspaces (id, owner_id, organization_id, template_id, name, autostart_schedule, next_start_at)
      SELECT c.w, w.owner_id, w.organization_id, w.template_id, 'copy-' || c.n, 'CRON_TZ=UTC 0 9 * * *',
        date_trunc('day', now(), 'UTC') + interval '1 day 9 hours'
      FROM copy c, workspaces w
    ), build AS (
      INSERT INTO workspace_builds (id, workspace_id, build_number, transition, template_version_id, job_id, initiator_id)
      SELECT c.b, c.w, 1, 'stop', b.template_version_id, c.j, b.initiator_id
      FROM copy c, workspaces w JOIN workspace_builds b ON b.id = w.latest_build_id
    ) SELECT 1`;
  await db.$executeRaw`UPDATE workspaces w SET latest_build_id = b.id FROM workspace_builds b
    WHERE b.workspace_id = w.id AND w.latest_build_id IS NULL`;
  const steps = await later(server, 48 * HOUR_MS);
  expect(steps).toHaveLength(COPIES);
  expect(new Set(steps.map(({ action }) => action))).toEqual(new Set(["start"]));
  expect(await later(server, 48 * HOUR_MS)).toEqual([]);
});

test("a changed template applies to existing schedules", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  const update = (body: Parameters<typeof owner.client.templateUpdate>[0]["body"]) =>
    owner.client.templateUpdate({ params: { template: template.id }, body });
  await update({ time_til_dormant_ms: HOUR_MS, time_til_dormant_autodelete_ms: HOUR_MS });
  const workspace = await createWorkspace(owner, template);
  await built(owner, workspace);
  const params = { workspace: workspace.id };
  const read = () => owner.client.workspaceGet({ params });
  expect(await later(server, 2 * HOUR_MS)).toEqual([{ workspaceId: workspace.id, action: "dormant" }]);
  await built(owner, workspace);

  // Extended, then turned off: nothing is deleted that the template no longer wants deleted.
  const before = Date.parse((await read()).deleting_at!);
  await update({ time_til_dormant_autodelete_ms: 3 * HOUR_MS });
  expect(Date.parse((await read()).deleting_at!) - before).toBe(2 * HOUR_MS);
  await update({ time_til_dormant_autodelete_ms: 0 });
  expect((await read()).deleting_at).toBeNull();
  expect(await later(server, 48 * HOUR_MS)).toEqual([]);

  // Every day at first, then on no day: the start that was due no longer applies.
  await update({ time_til_dormant_ms: 0 });
  await owner.client.workspaceDormancyUpdate({ params, body: { dormant: false } });
  await owner.client.workspaceAutostartUpdate({ params, body: { schedule: "CRON_TZ=UTC 0 9 * * *" } });
  await update({ autostart_requirement: { days_of_week: [] } });
  expect(await later(server, 48 * HOUR_MS)).toEqual([]);
  expect((await read()).next_start_at).toBeNull();
  await update({ autostart_requirement: { days_of_week: ["monday"] } });
  expect((await read()).next_start_at).not.toBeNull();
});
