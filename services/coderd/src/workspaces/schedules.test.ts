import { randomUUID } from "node:crypto";
import { nullLogger } from "@fleet/base";
import { waitFor } from "@fleet/testkit";
import { createDatabase } from "../database/client.js";
import { dueAction } from "../schedules/rules.js";
import { createTestCoderd, type TestCoderd, type TestUser } from "../testing/coderd.js";
import {
  built,
  createTemplate,
  createVersion,
  createWorkspace,
  imported,
  ONE_AGENT,
  startProvisioner,
} from "../testing/work.js";
import { keepSchedules, remindOfStops, runLifecycle } from "./lifecycle.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAILY = "CRON_TZ=UTC 0 9 * * *";
const EVERY_DAY = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

function optionsAt({ coderd: { domain } }: TestCoderd, at: number) {
  const { lifecycleStore: store, builds, audit, notifier } = domain;
  return { store, builds, audit, notifier, clock: { now: () => new Date(at) } as never, logger: nullLogger };
}
const runAt = (server: TestCoderd, at: number) => runLifecycle(optionsAt(server, at));

async function start(echo = ONE_AGENT) {
  const stack = new AsyncDisposableStack();
  // The test alone runs schedules.
  const server = stack.use(await createTestCoderd({ env: { CODER_AUTOBUILD_POLL_INTERVAL: "24h" } }));
  const owner = await server.owner();
  stack.use(await startProvisioner(server)).serve();
  const template = await createTemplate(owner, echo);
  return {
    server,
    owner,
    template,
    update: (body: Parameters<TestUser["client"]["templateUpdate"]>[0]["body"]) =>
      owner.client.templateUpdate({ params: { template: template.id }, body }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Waits until the user has as many notifications with this title. */
const told = ({ client }: TestUser, title: RegExp, count: number) =>
  waitFor(
    async () => {
      const { notifications } = await client.inboxList({ query: {} });
      const found = notifications.filter((one) => title.test(one.title));
      return found.length === count ? found : undefined;
    },
    { what: `${count} notifications ${title}` },
  );

test("a failed autostart is retried with growing delays, said, and given up until its next time", async () => {
  await using test = await start({ ...ONE_AGENT, apply: { only: "start", error: "no room" } });
  const { server, owner, template } = test;
  const workspace = await createWorkspace(owner, template, { autostart_schedule: DAILY });
  await built(owner, workspace);
  const params = { workspace: workspace.id };
  const read = () => owner.client.workspaceGet({ params });
  const next = Date.parse((await read()).next_start_at!);
  const step = [{ workspaceId: workspace.id, action: "start" }];
  expect(await runAt(server, next - MINUTE_MS)).toEqual([]);
  expect(await runAt(server, next + MINUTE_MS)).toEqual(step);
  let delay = 15 * MINUTE_MS;
  for (let failures = 1; failures <= 4; failures++, delay *= 2) {
    const { job } = await built(owner, workspace);
    const { schedule_failure: failure, next_start_at } = await read();
    expect(failure).toMatchObject({ failures, error: expect.stringContaining("no room") });
    const retryAt = Date.parse(failure!.retry_at!);
    expect(retryAt - Date.parse(job.completed_at!)).toBe(delay);
    // What is shown as the next start is what happens next.
    expect(next_start_at).toBe(failure!.retry_at);
    expect(await runAt(server, retryAt - 1)).toEqual([]);
    expect(await runAt(server, retryAt)).toEqual(step);
  }
  await built(owner, workspace);
  const last = await read();
  expect(last.schedule_failure).toMatchObject({ failures: 5, retry_at: null });
  expect(Date.parse(last.next_start_at!) % (24 * HOUR_MS)).toBe(9 * HOUR_MS);
  expect(await runAt(server, Date.parse(last.next_start_at!) - MINUTE_MS)).toEqual([]);
  await told(owner, /Automatic build of workspace/, 5);
  // A user's own build begins anew.
  await owner.client.workspaceBuildCreate({ params, body: { transition: "stop" } });
  expect((await read()).schedule_failure).toBeUndefined();
  // Six builds, one after the other.
}, 60_000);

test("a start that cannot be created is retried later, not each minute, and its owner is told why", async () => {
  await using test = await start();
  const { server, owner, template } = test;
  const workspace = await createWorkspace(owner, template, { autostart_schedule: DAILY });
  await built(owner, workspace);
  const params = { workspace: workspace.id };
  await owner.client.workspaceBuildCreate({ params, body: { transition: "stop" } });
  await built(owner, workspace);
  const read = () => owner.client.workspaceGet({ params });
  const next = Date.parse((await read()).next_start_at!) + MINUTE_MS;
  // Its starts follow the template, whose active version wants a value that the workspace does not have.
  const size = { name: "size", type: "string", required: true, mutable: true };
  const version = await createVersion(
    owner,
    { ...ONE_AGENT, parameters: [size] },
    { template_id: template.id },
  );
  await imported(owner, version);
  await owner.client.templateVersionPromote({ params: { template: template.id }, body: { id: version.id } });
  const follow = (automatic_updates: "always" | "never") =>
    owner.client.workspaceAutomaticUpdatesUpdate({ params, body: { automatic_updates } });
  await follow("always");
  expect(await runAt(server, next)).toEqual([]);
  expect((await read()).schedule_failure).toEqual({
    failures: 1,
    error: expect.stringContaining("size"),
    retry_at: new Date(next + 15 * MINUTE_MS).toISOString(),
  });
  await told(owner, /Automatic build of workspace/, 1);
  expect(await runAt(server, next + 14 * MINUTE_MS)).toEqual([]);
  await follow("never");
  const again = await runAt(server, next + 15 * MINUTE_MS);
  expect(again).toEqual([{ workspaceId: workspace.id, action: "start" }]);
  await built(owner, workspace);
  expect((await read()).schedule_failure).toBeUndefined();
});

test("workspaces of suspended users stop, and so does one that is made dormant while it runs", async () => {
  await using test = await start();
  const { server, owner, template } = test;
  const ana = await server.user(owner, { username: "ana" });
  const hers = await createWorkspace(ana, template);
  const mine = await createWorkspace(owner, template, { name: "mine" });
  await Promise.all([built(ana, hers), built(owner, mine)]);
  expect(await runAt(server, Date.now())).toEqual([]);
  await owner.client.userSuspend({ params: { user: "ana" } });
  await owner.client.workspaceDormancyUpdate({ params: { workspace: mine.id }, body: { dormant: true } });
  const steps = await runAt(server, Date.now());
  expect(steps).toHaveLength(2);
  expect(steps).toEqual(
    expect.arrayContaining([hers, mine].map(({ id }) => ({ workspaceId: id, action: "stop" }))),
  );
  expect(await built(owner, mine)).toMatchObject({ transition: "stop", reason: "dormancy" });
  expect(await built(owner, hers)).toMatchObject({ transition: "stop", reason: "autostop" });
});

test("owners are reminded once of a stop that nothing postpones", async () => {
  await using test = await start();
  const { server, owner, template } = test;
  await test.update({ default_ttl_ms: 2 * HOUR_MS, activity_bump_ms: 0 });
  const workspace = await createWorkspace(owner, template);
  await built(owner, workspace);
  const deadline = Date.parse(
    (await owner.client.workspaceGet({ params: { workspace: workspace.id } })).latest_build.deadline!,
  );
  const remind = (at: number) => remindOfStops(optionsAt(server, at));
  expect(await remind(deadline - HOUR_MS)).toBe(0);
  const used = deadline - 25 * MINUTE_MS;
  await server.coderd.domain.activity.record([
    { workspaceId: workspace.id, kind: "ssh", at: new Date(used) },
  ]);
  expect(await remind(used + MINUTE_MS)).toBe(0);
  expect(await remind(used + 11 * MINUTE_MS)).toBe(1);
  expect(await remind(used + 12 * MINUTE_MS)).toBe(0);
  expect((await told(owner, /stops soon/, 1))[0]!.content).toContain(
    new Date(deadline).toISOString().slice(0, 16).replace("T", " "),
  );
  // Postponed: the later stop is another one.
  const later = deadline + 3 * HOUR_MS;
  await owner.client.workspaceExtend({
    params: { workspace: workspace.id },
    body: { deadline: new Date(later).toISOString() },
  });
  expect(await remind(later - 20 * MINUTE_MS)).toBe(1);
});

test("a changed template or quiet hours reach running workspaces; its TTL is the template's where users set none", async () => {
  await using test = await start();
  const { owner, template } = test;
  const workspace = await createWorkspace(owner, template, { ttl_ms: 100 * HOUR_MS });
  await built(owner, workspace);
  const read = () => owner.client.workspaceGet({ params: { workspace: workspace.id } });
  const before = (await read()).latest_build;
  expect(before.max_deadline).toBeUndefined();
  const hours = (hour: number) =>
    owner.client.userQuietHoursUpdate({
      params: { user: "me" },
      body: { schedule: `CRON_TZ=UTC 0 ${hour} * * *` },
    });
  // Half a day away, so that no notice is due.
  const away = (new Date().getUTCHours() + 12) % 24;
  await hours(away);
  expect((await read()).latest_build.max_deadline).toBeUndefined();
  await test.update({ autostop_requirement: { days_of_week: EVERY_DAY, weeks: 1 } });
  const required = (await read()).latest_build;
  expect(new Date(required.max_deadline!).getUTCHours()).toBe(away);
  expect(required.deadline).toBe(required.max_deadline);
  await hours((away + 1) % 24);
  const moved = (await read()).latest_build;
  expect(Date.parse(moved.max_deadline!) - Date.parse(required.max_deadline!)).toBe(HOUR_MS);
  await test.update({ autostop_requirement: { days_of_week: [], weeks: 1 } });
  expect((await read()).latest_build.max_deadline).toBeUndefined();

  expect((await read()).ttl_ms).toBe(100 * HOUR_MS);
  await test.update({ allow_user_autostop: false, default_ttl_ms: 5 * HOUR_MS });
  expect((await read()).ttl_ms).toBe(5 * HOUR_MS);
  const refused = createWorkspace(owner, template, { name: "other", ttl_ms: HOUR_MS });
  await expect(refused).rejects.toThrow(/does not allow users to set autostop/);
  // Without autostop in the template, nothing else stops it.
  await test.update({ default_ttl_ms: 0 });
  expect((await read()).latest_build.deadline).toBeUndefined();
  expect((await read()).ttl_ms).toBeNull();
});

test("a replica whose clock is wrong runs no schedules", async () => {
  await using test = await start();
  const { server, owner, template } = test;
  await test.update({ default_ttl_ms: HOUR_MS });
  const workspace = await createWorkspace(owner, template);
  await built(owner, workspace);
  const latest = async () =>
    (await owner.client.workspaceGet({ params: { workspace: workspace.id } })).latest_build.build_number;
  await keepSchedules(optionsAt(server, Date.now() + 48 * HOUR_MS));
  expect(await latest()).toBe(1);
  expect(await runAt(server, Date.now() + 48 * HOUR_MS)).toHaveLength(1);
  expect(await latest()).toBe(2);
});

/** Mulberry32. */
function randomOf(seed: number) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

test("whatever is stored, Postgres finds what the rules say is due; replicas that look at once pass it on once", async () => {
  await using test = await start();
  const { server, owner, template } = test;
  const workspace = await createWorkspace(owner, template);
  await built(owner, workspace);
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 2 });
  await using _ = { [Symbol.asyncDispose]: close };
  const { lifecycleStore: store } = server.coderd.domain;
  const year = Date.UTC(2027, 0, 1);
  const random = randomOf(7);
  const one = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const sometime = (share = 0.6) =>
    random() < share ? new Date(year + Math.floor(random() * 365) * 24 * HOUR_MS) : null;
  const ms = () => one([0, 0, HOUR_MS, 24 * HOUR_MS, 30 * 24 * HOUR_MS]);
  await owner.client.userCreate({
    body: { email: "sus@example.com", username: "sus", password: owner.password, user_status: "active" },
  });
  await owner.client.userSuspend({ params: { user: "sus" } });
  const templates = Array.from({ length: 12 }, (_, n) => ({
    id: randomUUID(),
    name: `t${n}`,
    allow: random() < 0.8,
    days: EVERY_DAY.filter(() => random() < 0.8),
    failure: ms(),
    dormant: ms(),
    delete_after: ms(),
  }));
  const rows = Array.from({ length: 600 }, (_, n) => {
    const nine = sometime();
    const schedule = random() < 0.8 ? DAILY : null;
    const next = nine && new Date(nine.getTime() + one([9, 9, 9, 10]) * HOUR_MS);
    const [transition, reason] = one([
      ["start", "initiator"],
      ["start", "autostart"],
      ["stop", "initiator"],
      ["stop", "autostop"],
      ["stop", "dormancy"],
      ["delete", "autodelete"],
    ]);
    const dormant = sometime(0.3);
    return {
      w: randomUUID(),
      b: randomUUID(),
      j: randomUUID(),
      name: `w${n}`,
      suspended: random() < 0.1,
      template: one(templates).id,
      schedule,
      next: schedule && next,
      retry: random() < 0.2 ? next : sometime(0.3),
      used: sometime(1),
      dormant,
      deleting: dormant && sometime(),
      transition,
      reason,
      outcome: one(["succeeded", "succeeded", "failed", "canceled"]),
      ended: sometime(1),
      deadline: transition === "start" ? sometime() : null,
    };
  });
  await db.$executeRaw`
    WITH t AS (SELECT * FROM jsonb_to_recordset(${JSON.stringify(templates)}::jsonb)
      AS t(id uuid, name text, allow boolean, days jsonb, failure bigint, dormant bigint, delete_after bigint))
    INSERT INTO templates (id, organization_id, name, provisioner, active_version_id, created_by, allow_user_autostart,
      autostart_requirement_days, failure_ttl_ms, time_til_dormant_ms, time_til_dormant_autodelete_ms)
    SELECT t.id, o.organization_id, t.name, o.provisioner, o.active_version_id, o.created_by, t.allow,
      ARRAY(SELECT jsonb_array_elements_text(t.days)), t.failure, t.dormant, t.delete_after
    FROM t, templates o WHERE o.id = ${template.id}::uuid`;
  await db.$executeRaw`
    WITH r AS (SELECT * FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r(w uuid, b uuid, j uuid, name text,
      suspended boolean, template uuid, schedule text, next timestamptz, retry timestamptz, used timestamptz,
      dormant timestamptz, deleting timestamptz, transition build_transition, reason text, outcome text,
      ended timestamptz, deadline timestamptz)
    ), old AS (
      SELECT j.*, b.template_version_id FROM workspace_builds b JOIN provisioner_jobs j ON j.id = b.job_id
      WHERE b.workspace_id = ${workspace.id}::uuid
    ), job AS (
      INSERT INTO provisioner_jobs (id, organization_id, initiator_id, type, provisioner, file_id, input, tags, queue,
        priority, created_at, updated_at, started_at, completed_at, canceled_at, error)
      SELECT r.j, o.organization_id, o.initiator_id, o.type, o.provisioner, o.file_id, '{}', o.tags, o.queue, o.priority,
        r.ended, r.ended, r.ended, r.ended, CASE WHEN r.outcome = 'canceled' THEN r.ended END,
        CASE WHEN r.outcome = 'failed' THEN 'no room' END
      FROM r, old o
    ), made AS (
      INSERT INTO workspaces (id, owner_id, organization_id, template_id, name, autostart_schedule, next_start_at,
        schedule_retry_at, last_used_at, dormant_at, deleting_at)
      SELECT r.w, u.id, o.organization_id, r.template, r.name, r.schedule, r.next, r.retry, r.used, r.dormant, r.deleting
      FROM r JOIN users u ON u.username = CASE WHEN r.suspended THEN 'sus' ELSE 'owner' END, old o
    )
    INSERT INTO workspace_builds (id, workspace_id, build_number, transition, template_version_id, job_id, initiator_id,
      reason, deadline)
    SELECT r.b, r.w, 1, r.transition, o.template_version_id, r.j, o.initiator_id, r.reason, r.deadline FROM r, old o`;
  await db.$executeRaw`UPDATE workspaces w SET latest_build_id = b.id FROM workspace_builds b
    WHERE b.workspace_id = w.id AND w.latest_build_id IS NULL`;

  const byId = new Map(templates.map((template) => [template.id, template]));
  const expected = (now: Date) =>
    rows.flatMap((row) => {
      const settings = byId.get(row.template)!;
      const due = dueAction(
        {
          transition: row.transition as "start",
          outcome: row.outcome as "failed",
          reason: row.reason!,
          endedAt: row.ended!,
          deadline: row.deadline,
          ownerActive: !row.suspended,
          lastUsedAt: row.used!,
          dormantAt: row.dormant,
          deletingAt: row.deleting,
          autostartSchedule: row.schedule,
          nextStartAt: row.next as Date | null,
          retryAt: row.retry as Date | null,
          allowAutostart: settings.allow,
          autostartDays: settings.days,
          failureTtlMs: settings.failure,
          dormantAfterMs: settings.dormant,
          deleteAfterMs: settings.delete_after,
        },
        now,
      );
      return due ? [`${row.w} ${due.action}`] : [];
    });
  const seen = new Set<string>();
  for (let day = 0; day < 366; day += 12) {
    const now = new Date(year + day * 24 * HOUR_MS + 9.5 * HOUR_MS);
    const found = (await store.due(now, [workspace.id], 1_000)).flatMap((facts) => {
      const due = dueAction(facts, now);
      return due ? [`${facts.id} ${due.action}`] : [];
    });
    expect(found.toSorted()).toEqual(expected(now).toSorted());
    for (const each of found) seen.add(each.split(" ")[1]!);
  }
  expect([...seen].sort()).toEqual(["delete", "dormant", "pass", "start", "stop"]);

  const now = new Date(year + 200 * 24 * HOUR_MS);
  const passed = (await store.due(now, [workspace.id], 1_000))
    .filter((facts) => dueAction(facts, now)?.action === "pass")
    .map((facts) => ({
      ...{ id: facts.id, buildId: facts.buildId, nextStartAt: facts.nextStartAt!, next: null },
      ...{ deadline: facts.deadline, nextDeadline: facts.deadline },
    }));
  const counts = await Promise.all([store.pass(passed), store.pass(passed), store.pass(passed)]);
  expect(passed.length).toBeGreaterThan(10);
  expect(counts.reduce((sum, count) => sum + count)).toBe(passed.length);
});
