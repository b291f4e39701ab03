import type { ActivityKind, WorkspaceUse } from "../agents/activity.js";
import { createTestCoderd, type TestUser } from "../testing/coderd.js";
import { built, createTemplate, createWorkspace, startProvisioner } from "../testing/work.js";

const HOUR_MS = 3_600_000;

/** A running workspace of a template with these settings. */
async function start(
  settings: Parameters<TestUser["client"]["templateUpdate"]>[0]["body"],
  quietHours?: string,
) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd());
  const owner = await server.owner();
  stack.use(await startProvisioner(server)).serve();
  const template = await createTemplate(owner);
  await owner.client.templateUpdate({ params: { template: template.id }, body: settings });
  if (quietHours)
    await owner.client.userQuietHoursUpdate({ params: { user: "me" }, body: { schedule: quietHours } });
  const workspace = await createWorkspace(owner, template);
  const build = await built(owner, workspace);
  const params = { workspace: workspace.id };
  return {
    client: owner.client,
    params,
    build,
    started: Date.parse(build.job.completed_at!),
    use: (afterMs: number, kind: ActivityKind = "ssh") =>
      server.coderd.domain.activity.record([
        { workspaceId: workspace.id, kind, at: new Date(Date.now() + afterMs) },
      ]),
    record: (use: Omit<WorkspaceUse, "workspaceId">) =>
      server.coderd.domain.activity.record([{ ...use, workspaceId: workspace.id }]),
    async deadline() {
      const { deadline } = (await owner.client.workspaceGet({ params })).latest_build;
      return deadline ? Date.parse(deadline) : undefined;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("activity extends the deadline as configured, and never shortens it", async () => {
  await using test = await start({ default_ttl_ms: 2 * HOUR_MS, activity_bump_ms: HOUR_MS });
  const first = await test.deadline();
  expect(first! - test.started).toBeCloseTo(2 * HOUR_MS, -4);
  await test.use(0.5 * HOUR_MS);
  expect(await test.deadline()).toBe(first);
  await test.use(1.5 * HOUR_MS);
  expect((await test.deadline())! - Date.now()).toBeCloseTo(2.5 * HOUR_MS, -4);
  // Too late: the workspace is already due for its stop.
  const last = await test.deadline();
  await test.use(3 * HOUR_MS);
  expect(await test.deadline()).toBe(last);
});

test("sessions of every kind postpone the stop; an open app only postpones dormancy", async () => {
  await using test = await start({ default_ttl_ms: 2 * HOUR_MS, activity_bump_ms: HOUR_MS });
  const lastUsed = async () =>
    Date.parse((await test.client.workspaceGet({ params: test.params })).last_used_at);
  let before = await test.deadline();
  await test.use(1.2 * HOUR_MS, "app");
  expect(await test.deadline()).toBe(before);
  expect((await lastUsed()) - Date.now()).toBeCloseTo(1.2 * HOUR_MS, -5);
  for (const [at, kind] of [
    [1.3, "ssh"],
    [1.5, "vscode"],
    [1.7, "jetbrains"],
    [1.9, "reconnecting_pty"],
  ] as const) {
    await test.use(at * HOUR_MS, kind);
    expect(await test.deadline()).toBeGreaterThan(before!);
    before = await test.deadline();
  }
  // As `coder ssh` reports it. The time is that of the server, so it changes nothing here.
  await test.client.workspaceUsage({ params: test.params, body: { app_name: "reconnecting-pty" } });
  const body = { app_name: "ssh", agent_id: test.params.workspace } as const;
  await expect(test.client.workspaceUsage({ params: test.params, body })).rejects.toThrow(/no such agent/);
  expect(await test.deadline()).toBe(before);
});

test("activity in the night before an autostart postpones the stop to the end of that day's run", async () => {
  await using test = await start({ default_ttl_ms: 9 * HOUR_MS, activity_bump_ms: 2 * HOUR_MS });
  // An autostart about eight and a half hours from now, in UTC.
  const next = new Date(Date.now() + 8.5 * HOUR_MS);
  next.setUTCSeconds(0, 0);
  const schedule = `CRON_TZ=UTC ${next.getUTCMinutes()} ${next.getUTCHours()} * * *`;
  await test.client.workspaceAutostartUpdate({ params: test.params, body: { schedule } });
  await test.use(8 * HOUR_MS);
  expect(await test.deadline()).toBe(next.getTime() + 9 * HOUR_MS);
});

test("without a bump or a deadline, activity changes nothing", async () => {
  await using still = await start({ default_ttl_ms: 2 * HOUR_MS, activity_bump_ms: 0 });
  const first = await still.deadline();
  await still.use(1.9 * HOUR_MS);
  expect(await still.deadline()).toBe(first);
  await using endless = await start({ activity_bump_ms: HOUR_MS });
  await endless.use(HOUR_MS);
  expect(await endless.deadline()).toBeUndefined();
});

test("a required stop limits every deadline: with activity, an extension or no autostop", async () => {
  const days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
  const settings = { autostop_requirement: { days_of_week: days, weeks: 1 }, activity_bump_ms: 48 * HOUR_MS };
  await using test = await start(settings, "CRON_TZ=UTC 0 3 * * *");
  const required = Date.parse(test.build.max_deadline!);
  expect(new Date(required).toISOString()).toMatch(/T03:00:00.000Z$/);
  expect(required - test.started).toBeGreaterThanOrEqual(HOUR_MS);
  expect(required - test.started).toBeLessThanOrEqual(25 * HOUR_MS);
  expect(await test.deadline()).toBe(required);
  await test.use(0);
  expect(await test.deadline()).toBe(required);
  const deadline = new Date(required + HOUR_MS).toISOString();
  await expect(test.client.workspaceExtend({ params: test.params, body: { deadline } })).rejects.toThrow(
    /requires this workspace to stop by/,
  );
  await test.client.workspaceTtlUpdate({ params: test.params, body: { ttl_ms: null } });
  expect(await test.deadline()).toBe(required);
});

test("a template decides what counts as activity", async () => {
  await using test = await start({ default_ttl_ms: 2 * HOUR_MS, activity_bump_ms: HOUR_MS });
  const { template_id: template } = await test.client.workspaceGet({ params: test.params });
  const counts = async (
    settings: Parameters<TestUser["client"]["templateUpdate"]>[0]["body"],
    use: { kind: ActivityKind; input?: boolean; cpuPercent?: number },
  ) => {
    await test.client.templateUpdate({ params: { template }, body: settings });
    // Late in the run, so that activity postpones the stop.
    const before = await test.deadline();
    await test.record({ ...use, at: new Date(before! - 60_000) });
    return (await test.deadline()) !== before;
  };
  const upstream = { activity_kinds: ["sessions", "holds"] as const, activity_requires_input: false };
  const all = {
    activity_kinds: ["sessions", "apps", "processes", "holds"] as const,
    activity_requires_input: true,
    activity_cpu_percent: 50,
  };
  const settings = (one: typeof upstream | typeof all) => ({
    ...one,
    activity_kinds: [...one.activity_kinds],
  });
  const table = [];
  for (const use of [
    { kind: "ssh" },
    { kind: "ssh", input: true },
    { kind: "vscode" },
    { kind: "app" },
    { kind: "app", input: true },
    { kind: "processes", cpuPercent: 49 },
    { kind: "processes", cpuPercent: 51 },
  ] as const)
    table.push([
      Object.values(use).join(" "),
      await counts(settings(upstream), use),
      await counts(settings(all), use),
    ]);
  expect(table).toEqual([
    ["ssh", true, false],
    ["ssh true", true, true],
    ["vscode", true, false],
    ["app", false, false],
    ["app true", false, true],
    ["processes 49", false, false],
    ["processes 51", false, true],
  ]);
});

test("a workspace says what keeps it running, as long as it does", async () => {
  await using test = await start({ default_ttl_ms: 2 * HOUR_MS });
  const activity = async () => (await test.client.workspaceGet({ params: test.params })).activity;
  expect(await activity()).toMatchObject({ reasons: [], stops_because: "autostop" });
  await test.record({ kind: "app", at: new Date() });
  await test.record({ kind: "jetbrains", at: new Date(Date.now() - 10 * 60_000) });
  const at = new Date();
  await test.record({ kind: "vscode", at });
  expect(await activity()).toMatchObject({
    reasons: [{ kind: "vscode", last_seen_at: at.toISOString() }],
    stops_at: (await test.client.workspaceGet({ params: test.params })).latest_build.deadline,
  });
});
