import type { EchoTemplate } from "@fleet/provisionersdk";
import { createDatabase } from "../database/client.js";
import { createTestCoderd, type TestUser } from "../testing/coderd.js";
import { built, createTemplate, createWorkspace, startProvisioner } from "../testing/work.js";

/** A template whose resource costs this much when its workspace runs, and when it is stopped. */
const costing = (running: number): EchoTemplate => ({
  resources: [{ name: "vm", type: "null_resource", address: "null_resource.vm", dailyCost: running }],
});

/** A deployment with a daemon under the test's control, and a template. */
async function setUp(cost: number) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd());
  const owner = await server.owner();
  const daemon = stack.use(await startProvisioner(server));
  const making = createTemplate(owner, costing(cost));
  await daemon.run(await daemon.acquire());
  const template = await making;
  const organization = template.organization_id;
  const allow = (quota_allowance: number) =>
    owner.client.groupUpdate({ params: { group: organization }, body: { quota_allowance } });
  const quotaOf = ({ client }: TestUser) => client.memberQuota({ params: { organization, user: "me" } });
  /** What coderd answers when the daemon asks to apply. */
  const commit = async (dailyCost: number) => {
    const job = await daemon.acquire();
    const answer = await daemon.client.commitQuota({ jobId: job.id, daemonId: daemon.id, dailyCost });
    return { job, ...answer };
  };
  const build = (workspace: { id: string }, transition: "start" | "stop" | "delete", by = owner) =>
    by.client.workspaceBuildCreate({ params: { workspace: workspace.id }, body: { transition } });
  const refuse = ({ id: jobId }: { id: string }) =>
    daemon.client.failJob({ jobId, daemonId: daemon.id, error: "Insufficient quota" });
  return {
    server,
    owner,
    daemon,
    template,
    organization,
    allow,
    quotaOf,
    commit,
    build,
    refuse,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("builds that are checked at once cannot overrun the budget, and a repeated check counts once", async () => {
  await using test = await setUp(6);
  const { owner, template, daemon, allow, commit, refuse } = test;
  await allow(10);
  await createWorkspace(owner, template, { name: "one" });
  await createWorkspace(owner, template, { name: "two" });
  const jobs = [await daemon.acquire(), await daemon.acquire()];
  const ask = ({ id: jobId }: { id: string }) =>
    daemon.client.commitQuota({ jobId, daemonId: daemon.id, dailyCost: 6 });
  const answers = await Promise.all(jobs.map(ask));
  expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  const [winner, loser] = answers[0]!.ok ? jobs : [jobs[1], jobs[0]];
  expect(await ask(winner!)).toMatchObject({ ok: true, creditsConsumed: 0, budget: 10 });
  expect(await ask(loser!)).toMatchObject({ ok: false, creditsConsumed: 6, budget: 10 });
  await daemon.run(winner!);
  await refuse(loser!);
  expect(await test.quotaOf(owner)).toEqual({ credits_consumed: 6, budget: 10, limited: true });
  await createWorkspace(owner, template, { name: "three" });
  expect(await commit(4)).toMatchObject({ ok: true });
});

test("what runs is paid for until a later build has changed it", async () => {
  await using test = await setUp(6);
  const { owner, template, daemon, allow, commit, build, refuse, quotaOf } = test;
  await allow(10);
  const workspace = await createWorkspace(owner, template);
  await daemon.run((await commit(6)).job);
  const used = async () => (await quotaOf(owner)).credits_consumed;
  expect(await used()).toBe(6);
  // A stop that has not ended, or that fails, frees nothing.
  await build(workspace, "stop");
  expect(await used()).toBe(6);
  const stop = await commit(0);
  expect(stop.ok).toBe(true);
  expect(await used()).toBe(6);
  await refuse(stop.job);
  expect((await built(owner, workspace)).status).toBe("failed");
  expect(await used()).toBe(6);
  // A start that is refused costs nothing more.
  await build(workspace, "start");
  const start = await commit(11);
  expect(start).toMatchObject({ ok: false, creditsConsumed: 0, budget: 10 });
  await refuse(start.job);
  expect(await used()).toBe(6);
});

test("stops, deletes and starts that cost no more are allowed beyond the budget", async () => {
  await using test = await setUp(6);
  const { owner, template, daemon, allow, commit, build } = test;
  const workspace = await createWorkspace(owner, template);
  await daemon.run((await commit(6)).job);
  await allow(1);
  await build(workspace, "start");
  await daemon.run((await commit(6)).job);
  await build(workspace, "stop");
  await daemon.run((await commit(8)).job);
  await build(workspace, "delete");
  await daemon.run((await commit(0)).job);
  expect(await test.quotaOf(owner)).toMatchObject({ credits_consumed: 0 });
});

test("once a group has an allowance, users without one may not start what costs something", async () => {
  await using test = await setUp(6);
  const { server, owner, template, organization, commit, refuse } = test;
  const [ana, ben] = [
    await server.user(owner, { username: "ana" }),
    await server.user(owner, { username: "ben" }),
  ];
  expect(await test.quotaOf(ben)).toEqual({ credits_consumed: 0, budget: 0, limited: false });
  const params = { organization };
  const body = { quota_allowance: 10 };
  const devs = await owner.client.groupCreate({ params, body: { ...body, name: "devs" } });
  await owner.client.groupUpdate({ params: { group: devs.id }, body: { add_users: [ana.id] } });
  // Sums beyond the API's largest number are cut.
  const most = { quota_allowance: 2 ** 31 - 1 };
  await owner.client
    .groupCreate({ params, body: { ...most, name: "ops" } })
    .then(({ id }) => owner.client.groupUpdate({ params: { group: id }, body: { add_users: [ana.id] } }));
  expect(await test.quotaOf(ana)).toEqual({ credits_consumed: 0, budget: 2 ** 31 - 1, limited: true });
  await createWorkspace(ben, template);
  const refused = await commit(6);
  expect(refused).toMatchObject({ ok: false, budget: 0 });
  await refuse(refused.job);
  await createWorkspace(ana, template);
  const granted = await commit(6);
  expect(granted.ok).toBe(true);
  await test.daemon.run(granted.job);

  const used = await owner.client.organizationQuotas({ params, query: { limit: 2 } });
  expect(used).toMatchObject({
    count: 3,
    users: [
      { username: "ana", credits_consumed: 6 },
      { username: "ben", credits_consumed: 0, budget: 0, limited: true },
    ],
  });
  expect(used.groups).toHaveLength(3);
  expect(used.groups).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: "devs", total_member_count: 1, credits_consumed: 6 }),
      expect.objectContaining({ name: "Everyone", total_member_count: 3, credits_consumed: 6 }),
    ]),
  );
  const rest = await owner.client.organizationQuotas({ params, query: { limit: 2, offset: 2 } });
  expect(rest.users.map(({ username }) => username)).toEqual(["owner"]);
  const own = await ben.client.organizationQuotas({ params, query: {} });
  expect([own.count, own.users.map(({ username }) => username)]).toEqual([1, ["ben"]]);
  expect(own.groups.map(({ name }) => name)).toEqual(["Everyone"]);
});

test("a claimed prebuild is checked against the budget of the user who claims it", async () => {
  await using test = await setUp(6);
  const { server, owner, template, daemon, allow, commit, build, refuse } = test;
  const ana = await server.user(owner, { username: "ana" });
  const workspace = await createWorkspace(owner, template);
  await daemon.run((await commit(6)).job);
  // As a claim leaves it: built by a system user, and now owned by the user who claimed it.
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 1 });
  const system = await db.user.create({
    data: { email: "prebuilds@system", username: "prebuilds", isSystem: true, loginType: "none" },
  });
  await db.workspaceBuild.updateMany({ data: { initiatorId: system.id } });
  await db.workspace.updateMany({ data: { ownerId: ana.id } });
  await close();
  await allow(5);
  await build(workspace, "start", ana);
  const refused = await commit(6);
  expect(refused).toMatchObject({ ok: false, creditsConsumed: 0, budget: 5 });
  await refuse(refused.job);
  // The refused claim has not made it hers.
  await build(workspace, "start", ana);
  const again = await commit(6);
  expect(again.ok).toBe(false);
  await refuse(again.job);
  await allow(6);
  await build(workspace, "start", ana);
  const claimed = await commit(6);
  expect(claimed.ok).toBe(true);
  await daemon.run(claimed.job);
  await allow(1);
  await build(workspace, "start", ana);
  expect(await commit(6)).toMatchObject({ ok: true });
});
