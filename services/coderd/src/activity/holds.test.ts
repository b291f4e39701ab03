import { createAgentWorkspace } from "../testing/agents.js";
import { createTestCoderd, type TestUser } from "../testing/coderd.js";
import { built, startProvisioner } from "../testing/work.js";
import { MAX_HOLDS } from "./holds.js";

const HOUR_MS = 3_600_000;
type Settings = Parameters<TestUser["client"]["templateUpdate"]>[0]["body"];

/** A running workspace of a template with these settings, and what a program inside it may do. */
async function start(settings: Settings = {}, ttlMs = 2 * HOUR_MS) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd());
  const owner = await server.owner();
  stack.use(await startProvisioner(server)).serve();
  const { workspace, template, token } = await createAgentWorkspace(owner, owner);
  const body = { activity_bump_ms: HOUR_MS, ...settings };
  await owner.client.templateUpdate({ params: { template: template.id }, body });
  const params = { workspace: workspace.id };
  // Takes effect at the next start.
  await owner.client.workspaceTtlUpdate({ params, body: { ttl_ms: ttlMs } });
  await owner.client.workspaceBuildCreate({ params, body: { transition: "start" } });
  const build = await built(owner, workspace);
  const agent = server.clientOf(token);
  const read = () => owner.client.workspaceGet({ params });
  return {
    owner,
    params,
    read,
    workspace,
    template,
    domain: server.coderd.domain,
    started: Date.parse(build.job.completed_at!),
    required: Date.parse(build.max_deadline ?? ""),
    hold: (name: string, ms: number) => agent.agentSelfHoldSet({ body: { name, duration_ms: ms } }),
    release: (name?: string) => agent.agentSelfHoldRelease({ query: name === undefined ? {} : { name } }),
    async holds() {
      return (await agent.agentSelfHoldList()).holds.map(({ name }) => name);
    },
    async deadline() {
      return Date.parse((await read()).latest_build.deadline!);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("a hold keeps the workspace running until it expires, and the workspace says so", async () => {
  await using test = await start();
  const held = await test.hold("training", 8 * HOUR_MS);
  const until = Date.parse(held.expires_at);
  expect(await test.deadline()).toBe(until);
  const { activity } = await test.read();
  expect(activity).toEqual({
    reasons: [{ kind: "hold", name: "training", until: held.expires_at }],
    stops_at: held.expires_at,
    stops_because: "autostop",
  });
  const { workspaces } = await test.owner.client.workspaceList({ query: {} });
  expect(workspaces[0]!.activity).toEqual(activity);
  // Another, shorter job changes nothing; declaring it again changes its end.
  await test.hold("tests", HOUR_MS);
  expect(await test.deadline()).toBe(until);
  expect(await test.holds()).toEqual(["tests", "training"]);
  const longer = await test.hold("tests", 9 * HOUR_MS);
  expect(await test.deadline()).toBe(Date.parse(longer.expires_at));
  await test.hold("tests", HOUR_MS);
  expect(await test.deadline()).toBe(until);
});

test("a released hold gives back what it added, but leaves the time of the activity bump", async () => {
  await using test = await start({}, 6 * HOUR_MS);
  const before = await test.deadline();
  await test.hold("training", 8 * HOUR_MS);
  await test.hold("tests", 7 * HOUR_MS);
  expect((await test.release("training")).holds).toMatchObject([{ name: "training" }]);
  expect((await test.deadline()) - Date.now()).toBeCloseTo(7 * HOUR_MS, -5);
  expect((await test.release()).holds).toMatchObject([{ name: "tests" }]);
  expect(await test.deadline()).toBe(before);
  expect((await test.release("nothing")).holds).toEqual([]);

  // Extended by its user beyond every hold.
  await test.hold("training", 8 * HOUR_MS);
  const deadline = new Date(Date.now() + 20 * HOUR_MS);
  await test.owner.client.workspaceExtend({
    params: test.params,
    body: { deadline: deadline.toISOString() },
  });
  await test.release();
  expect(await test.deadline()).toBe(deadline.getTime());
});

test("a hold never lasts past the stop that the template requires", async () => {
  const days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
  await using test = await start({
    autostop_requirement: { days_of_week: days, weeks: 1 },
    activity_max_hold_ms: 100 * HOUR_MS,
  });
  expect(Date.parse((await test.hold("training", 90 * HOUR_MS)).expires_at)).toBe(test.required);
  expect(await test.deadline()).toBe(test.required);
  expect((await test.read()).activity).toMatchObject({ stops_because: "required_stop" });
});

test("holds are limited by number and length, and by the template", async () => {
  await using test = await start();
  await expect(test.hold("training", 25 * HOUR_MS)).rejects.toThrow(/holds of at most 1d/);
  for (let i = 0; i < MAX_HOLDS; i++) await test.hold(`job-${i}`, HOUR_MS);
  await expect(test.hold("one more", HOUR_MS)).rejects.toThrow(/already has 20 holds/);
  await test.hold("job-3", 2 * HOUR_MS);
  await test.owner.client.templateUpdate({
    params: { template: test.template.id },
    body: { activity_kinds: ["sessions"] },
  });
  await expect(test.hold("job-3", HOUR_MS)).rejects.toThrow(/does not allow holds/);
});

test("a hold that was declared before the start had ended counts, and postpones dormancy", async () => {
  await using test = await start();
  await test.hold("training", 8 * HOUR_MS);
  // As if the end of the start had set the deadline afterwards.
  const early = new Date(Date.now() + HOUR_MS);
  await test.owner.client.workspaceExtend({ params: test.params, body: { deadline: early.toISOString() } });
  const now = new Date(Date.now() + 10 * 60_000);
  await test.domain.holdStore.follow(now);
  expect((await test.deadline()) - Date.now()).toBeCloseTo(8 * HOUR_MS, -5);
  expect((await test.read()).last_used_at).toBe(now.toISOString());
});

test("holds end with the run of their workspace", async () => {
  await using test = await start();
  await test.hold("training", 8 * HOUR_MS);
  await test.owner.client.workspaceBuildCreate({ params: test.params, body: { transition: "stop" } });
  await built(test.owner, test.workspace);
  expect((await test.read()).activity).toBeUndefined();
  await test.owner.client.workspaceBuildCreate({ params: test.params, body: { transition: "start" } });
  await built(test.owner, test.workspace);
  expect(await test.holds()).toEqual([]);
  expect((await test.deadline()) - Date.now()).toBeLessThanOrEqual(2 * HOUR_MS);
});
