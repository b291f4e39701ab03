import { createDatabase } from "../database/client.js";
import { purge } from "../jobs/purge-store.js";
import { createTestCoderd, type TestUser } from "../testing/coderd.js";
import { clockAhead } from "../testing/jobs.js";
import { KEEPING } from "../testing/retention.js";
import { built, createTemplate, createWorkspace, startProvisioner } from "../testing/work.js";

const DAY_MS = 24 * 3_600_000;
/** A test builds two workspaces first, possibly on a busy machine. */
const LIMIT_MS = 90_000;
const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
/** Yesterday in UTC, which no test runs out of. */
const YESTERDAY = dateOf(Date.now() - DAY_MS);
const at = (time: string) => new Date(`${YESTERDAY}T${time}Z`);
const report = { start_time: `${YESTERDAY}T00:00:00Z`, end_time: `${dateOf(Date.now())}T00:00:00Z` };

/** A deployment with two users' workspaces of one template that has an app and a parameter. */
async function setUp(env: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd({ env }));
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  const daemon = stack.use(await startProvisioner(server));
  daemon.serve();
  const template = await createTemplate(owner, {
    parameters: [
      {
        name: "region",
        type: "string",
        displayName: "Region",
        defaultValue: "eu",
        options: [
          { name: "Europe", value: "eu" },
          { name: "America", value: "us" },
        ],
      },
    ],
    resources: [
      {
        name: "main",
        type: "null_resource",
        address: "null_resource.main",
        agents: [
          {
            name: "main",
            operatingSystem: "linux",
            architecture: "amd64",
            apps: [{ slug: "web", displayName: "Web site", url: "http://localhost:1" }],
          },
        ],
      },
    ],
  });
  const own = await createWorkspace(owner, template);
  const anas = await createWorkspace(ana, template, {
    rich_parameter_values: [{ name: "region", value: "us" }],
  });
  await built(owner, own);
  await built(ana, anas);
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 4 });
  stack.defer(close);
  const { insights } = server.coderd.domain;
  const stat = (user: TestUser, workspace: { id: string }, createdAt: Date, counts: Record<string, number>) =>
    db.workspaceAgentStat.create({
      data: {
        createdAt,
        userId: user.id,
        workspaceId: workspace.id,
        templateId: template.id,
        agentId: user.id,
        ...counts,
      },
    });
  return {
    server,
    owner,
    ana,
    template,
    own,
    anas,
    db,
    insights,
    stat,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const activityOf = async ({ client }: TestUser, query = report) =>
  (await client.insightsUserActivity({ query })).report.users.map(({ username, seconds }) => [
    username,
    seconds,
  ]);

test(
  "minutes of sessions and apps are counted once, for whoever used them in whatever way",
  async () => {
    await using test = await setUp();
    const { owner, ana, template, own, anas, insights, stat } = test;
    for (const time of ["10:00:10", "10:00:40", "10:01:10", "10:02:40", "12:00:00"])
      await stat(owner, own, at(time), {
        sessionCountSsh: 2,
        connectionCount: 2,
        connectionMedianLatencyMs: 8,
      });
    await stat(owner, own, at("10:01:20"), { sessionCountVscode: 1, connectionMedianLatencyMs: 100 });
    await stat(ana, anas, at("23:59:30"), { sessionCountReconnectingPty: 1 });
    await test.server.coderd.domain.apps.reportStats([
      {
        sessionId: "11111111-1111-4111-8111-111111111111",
        userId: ana.id,
        workspaceId: own.id,
        agentId: own.id,
        slugOrPort: "web",
        accessMethod: "path",
        startedAt: at("20:00:30"),
        endedAt: at("20:04:00"),
        requests: 9n,
        lastInputAt: undefined,
      },
    ]);
    // Two replicas at once, and again.
    const second = await test.server.replica();
    await Promise.all([insights.count(), second.domain.insights.count()]);
    await insights.count();

    expect(await activityOf(owner)).toEqual([
      ["ana", 6 * 60],
      ["owner", 4 * 60],
    ]);
    const { report: activity } = await owner.client.insightsUserActivity({ query: report });
    expect(activity).toMatchObject({ ...report, template_ids: [template.id] });
    const { report: latency } = await owner.client.insightsUserLatency({ query: report });
    expect(latency.users).toEqual([
      expect.objectContaining({ username: "owner", latency_ms: { p50: 8, p95: expect.any(Number) } }),
    ]);
    expect(Math.abs(latency.users[0]!.latency_ms.p95 - 100)).toBeLessThan(6);

    const query = { ...report, interval: "day" as const };
    const { report: used, interval_reports: days } = await owner.client.insightsTemplates({ query });
    expect(used).toMatchObject({ active_users: 2, template_ids: [template.id] });
    const apps = used!.apps_usage.map(({ slug, type, seconds, times_used }) => [
      slug,
      type,
      seconds,
      times_used,
    ]);
    expect(apps).toEqual([
      ["vscode", "builtin", 60, 1],
      ["jetbrains", "builtin", 0, 0],
      ["reconnecting-pty", "builtin", 60, 1],
      ["ssh", "builtin", 4 * 60, 2],
      ["web", "app", 5 * 60, 1],
    ]);
    expect(used!.apps_usage.at(-1)).toMatchObject({ display_name: "Web site", template_ids: [template.id] });
    expect(days).toEqual([
      {
        start_time: `${YESTERDAY}T00:00:00.000Z`,
        end_time: `${dateOf(Date.now())}T00:00:00.000Z`,
        template_ids: [template.id],
        interval: "day",
        active_users: 2,
      },
    ]);
    const only = await owner.client.insightsTemplates({ query: { ...query, sections: "report" as never } });
    expect(Object.keys(only)).toEqual(["report"]);
  },
  LIMIT_MS,
);

test(
  "a report that arrives late is counted; one that continues adds its new minutes",
  async () => {
    await using test = await setUp();
    const { owner, own, insights, stat, db } = test;
    await stat(owner, own, at("10:00:00"), { sessionCountSsh: 1 });
    await insights.count();
    await stat(owner, own, at("09:00:00"), { sessionCountSsh: 1 });
    const session = {
      sessionId: "11111111-1111-4111-8111-111111111111",
      userId: owner.id,
      workspaceId: own.id,
      agentId: own.id,
      slugOrPort: "web",
      accessMethod: "path",
      startedAt: at("11:00:00"),
      requests: 1n,
      lastInputAt: undefined,
    };
    const { apps } = test.server.coderd.domain;
    await apps.reportStats([{ ...session, endedAt: at("11:00:30") }]);
    await insights.count();
    expect(await activityOf(owner)).toEqual([["owner", 3 * 60]]);
    await apps.reportStats([{ ...session, endedAt: at("11:02:30") }]);
    await insights.count();
    expect(await activityOf(owner)).toEqual([["owner", 5 * 60]]);
    // Who it was of is gone, or never was: nothing is held up.
    await apps.reportStats([{ ...session, sessionId: own.id, userId: "nobody", endedAt: at("11:00:30") }]);
    await insights.count();
    expect(await db.workspaceAppStat.count({ where: { countedUntil: null } })).toBe(0);
  },
  LIMIT_MS,
);

test(
  "what is counted is purged after a day and stays counted; what is not is kept",
  async () => {
    await using test = await setUp();
    const { owner, own, insights, stat, db } = test;
    await stat(owner, own, at("10:00:00"), { sessionCountSsh: 1 });
    const prune = () => purge({ db, clock: clockAhead(2 * DAY_MS), statesKept: 1, retention: KEEPING });
    await prune();
    expect(await db.workspaceAgentStat.count()).toBe(1);
    await insights.count();
    await prune();
    expect(await db.workspaceAgentStat.count()).toBe(0);
    expect(await activityOf(owner)).toEqual([["owner", 60]]);
    await purge({ db, clock: clockAhead(4 * 366 * DAY_MS), statesKept: 1, retention: KEEPING });
    expect(await db.usageDay.count()).toBe(0);
  },
  LIMIT_MS,
);

test(
  "days begin where the time zone says",
  async () => {
    await using test = await setUp();
    const { owner, ana, own, anas, template, insights, stat } = test;
    await stat(owner, own, at("00:30:00"), { sessionCountSsh: 1 });
    await stat(ana, anas, at("12:00:00"), { connectionCount: 1 });
    await insights.count();
    const daus = async (query: { tz_offset?: number; timezone?: string }) => {
      const { entries, tz_hour_offset } = await owner.client.insightsDaus({ query });
      return { tz_hour_offset, days: entries.filter(({ amount }) => amount > 0) };
    };
    expect(await daus({})).toEqual({ tz_hour_offset: 0, days: [{ date: YESTERDAY, amount: 2 }] });
    const before = dateOf(Date.parse(YESTERDAY) - DAY_MS);
    const west = [
      { date: before, amount: 1 },
      { date: YESTERDAY, amount: 1 },
    ];
    expect(await daus({ tz_offset: -2 })).toEqual({ tz_hour_offset: -2, days: west });
    // Two hours behind UTC all year.
    expect(await daus({ timezone: "America/Noronha" })).toEqual({ tz_hour_offset: -2, days: west });
    const one = await owner.client.templateDaus({ params: { template: template.id } });
    expect(one.entries.filter(({ amount }) => amount > 0)).toEqual([{ date: YESTERDAY, amount: 2 }]);
    await expect(owner.client.insightsDaus({ query: { timezone: "Mars/Olympus" } })).rejects.toMatchObject({
      code: "invalid_argument",
    });
  },
  LIMIT_MS,
);

test(
  "a client's report of a session is counted, and says nothing of the agent's sessions",
  async () => {
    await using test = await setUp();
    const { owner, own, insights } = test;
    await owner.client.workspaceUsage({ params: { workspace: own.id }, body: { app_name: "jetbrains" } });
    await insights.count();
    const today = dateOf(Date.now());
    const query = { start_time: `${today}T00:00:00Z`, end_time: `${dateOf(Date.now() + DAY_MS)}T00:00:00Z` };
    // A test that runs at midnight has its report on the day before.
    const used = [
      ...(await activityOf(owner, query)),
      ...(await activityOf(owner, { ...query, start_time: report.start_time })),
    ];
    expect(used).toContainEqual(["owner", 60]);
    expect((await owner.client.deploymentStats()).session_count).toEqual({
      vscode: 0,
      ssh: 0,
      jetbrains: 0,
      reconnecting_pty: 0,
    });
  },
  LIMIT_MS,
);

test(
  "parameters are counted by the value of each workspace's last start",
  async () => {
    await using test = await setUp();
    const { owner, template } = test;
    const query = { start_time: report.start_time, end_time: `${dateOf(Date.now() + DAY_MS)}T00:00:00Z` };
    const { report: used } = await owner.client.insightsTemplates({ query });
    expect(used!.parameters_usage).toEqual([
      expect.objectContaining({
        name: "region",
        display_name: "Region",
        type: "string",
        template_ids: [template.id],
        options: [expect.objectContaining({ value: "eu" }), expect.objectContaining({ value: "us" })],
        values: expect.arrayContaining([
          { value: "eu", count: 1 },
          { value: "us", count: 1 },
        ]),
      }),
    ]);
  },
  LIMIT_MS,
);

test(
  "insights are for those who administer the templates",
  async () => {
    await using test = await setUp();
    const { server, owner, ana, template } = test;
    const ask = ({ client }: TestUser, template_ids?: string[]) =>
      client.insightsUserActivity({ query: { ...report, ...(template_ids && { template_ids }) } });
    await expect(ask(ana)).rejects.toMatchObject({ code: "not_found" });
    await expect(ask(ana, [template.id])).rejects.toMatchObject({ code: "not_found" });
    await owner.client.templateAclUpdate({
      params: { template: template.id },
      body: { user_perms: { [ana.id]: "admin" } },
    });
    await ask(ana, [template.id]);
    await ask(await server.user(owner, { roles: ["template-admin"] }));
    await ask(await server.user(owner, { roles: ["auditor"] }), [template.id]);
    await expect(ask(owner, ["99999999-9999-4999-8999-999999999999"])).rejects.toMatchObject({
      code: "not_found",
    });
  },
  LIMIT_MS,
);

test.each([
  ["ends before it begins", { end_time: "2020-01-01T00:00:00Z" }],
  ["begins at noon", { start_time: `${dateOf(Date.now() - 2 * DAY_MS)}T12:00:00Z` }],
  ["ends in the future", { end_time: "2999-01-01T00:00:00Z" }],
  ["ends at a half hour", { end_time: `${YESTERDAY}T12:30:00Z` }],
  ["is of weeks but shorter", { interval: "week" as const }],
  ["is longer than usage is kept", { start_time: "1990-01-01T00:00:00Z" }],
])("a report that %s is refused", async (_why, change) => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await expect(owner.client.insightsTemplates({ query: { ...report, ...change } })).rejects.toMatchObject({
    code: "invalid_argument",
  });
});

test("users are counted by their status at the end of each day", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const [ana, ben] = [
    await server.user(owner, { username: "ana" }),
    await server.user(owner, { username: "ben" }),
  ];
  await owner.client.userSuspend({ params: { user: ana.id } });
  await owner.client.userDelete({ params: { user: ben.id } });
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 1 });
  const ago = (days: number) => new Date(Date.now() - days * DAY_MS);
  const changes = await db.userStatusChange.findMany({ where: { userId: ana.id }, orderBy: { id: "asc" } });
  expect(changes.map(({ status }) => status)).toEqual(["active", "suspended"]);
  await db.userStatusChange.updateMany({ where: { id: changes[0]!.id }, data: { changedAt: ago(20) } });
  await db.userStatusChange.updateMany({ where: { id: changes[1]!.id }, data: { changedAt: ago(10) } });
  await close();
  const { status_counts } = await owner.client.insightsUserStatusCounts({ query: {} });
  const last = (status: "active" | "suspended", days: number) => status_counts[status]!.at(-1 - days)!.count;
  expect([last("active", 0), last("suspended", 0)]).toEqual([1, 1]);
  expect([last("active", 5), last("suspended", 5)]).toEqual([0, 1]);
  expect([last("active", 15), last("suspended", 15)]).toEqual([1, 0]);
  expect([last("active", 25), last("suspended", 25)]).toEqual([0, 0]);
  expect(status_counts.active).toHaveLength(60);
});

test("usage is not collected if the deployment does not want it", async () => {
  await using server = await createTestCoderd({
    env: { CODER_STATS_COLLECTION_USAGE_STATS_ENABLE: "false" },
  });
  const owner = await server.owner();
  await expect(owner.client.insightsDaus({ query: {} })).rejects.toMatchObject({
    code: "not_found",
    message: expect.stringContaining("CODER_STATS_COLLECTION_USAGE_STATS_ENABLE"),
  });
});

test(
  "usage of the last day is exported as metrics under upstream's names",
  async () => {
    await using test = await setUp({ CODER_PROMETHEUS_COLLECT_AGENT_STATS: "true" });
    const { server, owner, own, insights } = test;
    await owner.client.workspaceUsage({ params: { workspace: own.id }, body: { app_name: "jetbrains" } });
    await insights.count();
    const metrics = (await server.scrape()).split("\n");
    expect(metrics).toEqual(
      expect.arrayContaining([
        'coderd_insights_templates_active_users{template_name="echo"} 1',
        'coderd_insights_applications_usage_seconds{template_name="echo",application_name="jetbrains",slug="jetbrains"} 60',
        'coderd_insights_parameters{template_name="echo",parameter_name="region",parameter_type="string",parameter_value="us"} 1',
      ]),
    );
  },
  LIMIT_MS,
);

test(
  "a month reads a row for each day and user, however many reports there were",
  async () => {
    await using test = await setUp();
    const { db, template, insights, owner } = test;
    const [users, days, reports] = [20, 31, 40];
    // Each user reports several times a minute, every day.
    await db.$executeRaw`
    INSERT INTO users (id, email, username) SELECT gen_random_uuid(), 'user' || n || '@example.com', 'user' || n
    FROM generate_series(1, ${users}::int) n`;
    await db.$executeRaw`
    INSERT INTO workspace_agent_stats (created_at, user_id, workspace_id, template_id, agent_id, session_count_ssh)
    SELECT ${at("10:00:00")}::timestamptz - d * interval '1 day' + r * interval '10 seconds', u.id, u.id, ${template.id}::uuid, u.id, 1
    FROM users u, generate_series(0, ${days - 1}::int) d, generate_series(1, ${reports}::int) r WHERE u.username LIKE 'user%'`;
    await insights.count();
    // Nothing reads the reports once they are counted.
    expect(await db.workspaceAgentStat.deleteMany({ where: { counted: true } })).toEqual({
      count: users * days * reports,
    });
    expect(await db.usageDay.count({ where: { kind: "any" } })).toBe(users * days);

    const start = dateOf(Date.parse(YESTERDAY) - (days - 1) * DAY_MS);
    const month = { ...report, start_time: `${start}T00:00:00Z` };
    const seconds = (rows: Awaited<ReturnType<typeof activityOf>>) => rows.map(([, value]) => value);
    const minutes = 7 * 60;
    expect(seconds(await activityOf(owner))).toEqual(Array(users).fill(minutes));
    expect(seconds(await activityOf(owner, month))).toEqual(Array(users).fill(days * minutes));
  },
  LIMIT_MS,
);
