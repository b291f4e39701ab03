import { randomUUID } from "node:crypto";
import { LifecycleState } from "@fleet/proto-gen/agent";
import type { EchoTemplate } from "@fleet/provisionersdk";
import type { CreateRolloutRequest, Template, TemplateVersion } from "@fleet/sdk";
import { createFakeClock, type FakeClock } from "@fleet/testkit";
import { createTestAgent } from "../testing/agents.js";
import { createTestCoderd, type TestCoderd, type TestUser } from "../testing/coderd.js";
import {
  built,
  createTemplate,
  createVersion,
  createWorkspace,
  imported,
  startProvisioner,
} from "../testing/work.js";

const PAUSE_MS = 1_000;
const RESOURCE = { name: "main", type: "null_resource", address: "null_resource.main" };
const NO_AGENT: EchoTemplate = { resources: [RESOURCE] };
const FAILS: EchoTemplate = { resources: [RESOURCE], apply: { only: "start", error: "No such image." } };

/** A version whose agent has this token. */
function withAgent(token: string, connectionTimeoutSeconds = 120): EchoTemplate {
  const auth = { case: "token" as const, value: token };
  const agent = { name: "main", operatingSystem: "linux", architecture: "amd64", connectionTimeoutSeconds };
  return { resources: [{ ...RESOURCE, agents: [{ ...agent, auth }] }] };
}

type World = AsyncDisposable & { server: TestCoderd; owner: TestUser; clock: FakeClock; template: Template };

async function setUp(): Promise<World> {
  const clock = createFakeClock(new Date());
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd({ clock }));
  const owner = await server.owner();
  stack.use(await startProvisioner(server)).serve();
  const template = await createTemplate(owner, NO_AGENT);
  return { server, owner, clock, template, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function nextVersion(
  { owner, template }: World,
  echo: EchoTemplate = NO_AGENT,
): Promise<TemplateVersion> {
  return imported(owner, await createVersion(owner, echo, { template_id: template.id }));
}

function rollOut(world: World, version: { id: string }, options: Partial<CreateRolloutRequest> = {}) {
  return world.owner.client.rolloutCreate({
    params: { template: world.template.id },
    body: { template_version_id: version.id, steps: [50, 100], pause_ms: PAUSE_MS, ...options },
  });
}

/** A workspace inside of the rollout's share, or outside of it: one that is created with a version belongs where it is active. */
async function workspaceWith({ owner }: World, versionId: string) {
  const name = `w-${randomUUID().slice(0, 8)}`;
  const body = { name, template_version_id: versionId };
  const workspace = await owner.client.workspaceCreate({ params: { user: "me" }, body });
  await built(owner, workspace);
  return workspace;
}

const get = ({ owner }: World, { id }: { id: string }) =>
  owner.client.workspaceGet({ params: { workspace: id } });

function stateOf({ owner, template }: World, rollout: { id: string }) {
  return owner.client.rolloutGet({ params: { template: template.id, rollout: rollout.id } });
}

function change(
  { owner, template }: World,
  rollout: { id: string },
  event: "Pause" | "Resume" | "Abort" | "Finish",
) {
  return owner.client[`rollout${event}`]({ params: { template: template.id, rollout: rollout.id } });
}

async function start({ owner }: World, { id }: { id: string }, versionId?: string) {
  const body = { transition: "start" as const, template_version_id: versionId };
  await owner.client.workspaceBuildCreate({ params: { workspace: id }, body });
  return built(owner, { id });
}

test("the version is active for its share only, wherever the active version is asked for", async () => {
  await using world = await setUp();
  const { owner, server, template } = world;
  const former = template.active_version_id;
  const { id: version } = await nextVersion(world);
  const rollout = await rollOut(world, { id: version });
  expect(rollout).toMatchObject({ status: "running", percent: 50, former_version_id: former });
  expect((await owner.client.templateGet({ params: { template: template.id } })).active_version_id).toBe(
    former,
  );

  const inside = await workspaceWith(world, version);
  const outside = await workspaceWith(world, former);
  expect(await get(world, inside)).toMatchObject({ template_active_version_id: version, outdated: false });
  expect(await get(world, outside)).toMatchObject({ template_active_version_id: former, outdated: false });

  // The one inside goes back, to be outdated.
  expect((await start(world, inside, former)).template_version_id).toBe(former);
  const outdated = async () =>
    (await owner.client.workspaceList({ query: { q: "outdated:true" } })).workspaces.map(({ id }) => id);
  expect(await outdated()).toEqual([inside.id]);

  // Automatic updates.
  for (const { id } of [inside, outside])
    await owner.client.workspaceAutomaticUpdatesUpdate({
      params: { workspace: id },
      body: { automatic_updates: "always" },
    });
  expect((await start(world, inside)).template_version_id).toBe(version);
  expect((await start(world, outside)).template_version_id).toBe(former);

  // The policy that requires the active version.
  await owner.client.templateUpdate({
    params: { template: template.id },
    body: { require_active_version: true },
  });
  const ana = await server.user(owner, { username: "ana" });
  const create = (versionId: string, name: string) =>
    ana.client.workspaceCreate({ params: { user: "me" }, body: { name, template_version_id: versionId } });
  const hers = await create(version, "hers");
  await built(ana, hers);
  const starts = (template_version_id: string) =>
    ana.client.workspaceBuildCreate({
      params: { workspace: hers.id },
      body: { transition: "start", template_version_id },
    });
  await expect(starts(former)).rejects.toThrow("The template requires its active version.");
  await starts(version);
  await built(ana, hers);

  await change(world, rollout, "Finish");
  expect((await owner.client.templateGet({ params: { template: template.id } })).active_version_id).toBe(
    version,
  );
  expect(await outdated()).toEqual([outside.id]);
  expect(await stateOf(world, rollout)).toMatchObject({ rollout: { status: "finished", percent: 100 } });
});

test("a share only grows, and a new workspace of the template belongs to it by the same rule", async () => {
  await using world = await setUp();
  const { owner, template } = world;
  const version = await nextVersion(world);
  const first = await rollOut(world, version, { steps: [50] });
  const inside = await workspaceWith(world, version.id);
  const outside = await workspaceWith(world, template.active_version_id);
  const active = async (workspace: { id: string }) =>
    (await get(world, workspace)).template_active_version_id;

  await expect(rollOut(world, version, { steps: [49] })).rejects.toThrow(
    "its share of 50% cannot become smaller",
  );
  await expect(rollOut(world, await nextVersion(world))).rejects.toThrow(
    "only one version can be rolled out",
  );
  await rollOut(world, version, { steps: [50, 100] });
  expect((await stateOf(world, first)).rollout.status).toBe("superseded");
  expect(await active(inside)).toBe(version.id);
  expect(await active(outside)).toBe(template.active_version_id);

  await rollOut(world, version, { steps: [100] });
  expect([await active(inside), await active(outside)]).toEqual([version.id, version.id]);
  const fresh = await createWorkspace(owner, template, { name: "fresh" });
  expect((await built(owner, fresh)).template_version_id).toBe(version.id);
});

test("steps follow each other when their pause is over and something works; two replicas take each once", async () => {
  await using world = await setUp();
  const { owner, server, clock, template } = world;
  const version = await nextVersion(world);
  const rollout = await rollOut(world, version, { steps: [50, 60, 100] });
  const replicas = [server.coderd, await server.replica()];
  async function pass(): Promise<number> {
    await clock.advance(PAUSE_MS);
    await Promise.all([...replicas, ...replicas].map(({ domain }) => domain.rollouts.carryOn()));
    return (await stateOf(world, rollout)).rollout.percent;
  }
  // Outside of the share, so that the first step waits for those inside.
  await workspaceWith(world, template.active_version_id);
  const inside = await workspaceWith(world, version.id);
  await start(world, inside, template.active_version_id);

  expect(await pass()).toBe(60);
  expect(await pass()).toBe(100);
  expect((await stateOf(world, rollout)).rollout.status).toBe("running");
  await pass();
  expect((await stateOf(world, rollout)).rollout).toMatchObject({ status: "finished", next_step_at: null });
  expect((await owner.client.templateGet({ params: { template: template.id } })).active_version_id).toBe(
    version.id,
  );
  const { audit_logs } = await owner.client.auditList({ query: { q: "resource_type:template_rollout" } });
  expect(audit_logs.map(({ action }) => action)).toEqual(["write", "write", "write", "create"]);
  expect(await server.scrape()).toMatch(/coderd_template_rollout_actions_total\{action="finish"\} [01]\n/);
});

test("a step waits until some workspace has taken the version, and a paused rollout takes none", async () => {
  await using world = await setUp();
  const { server, clock, template } = world;
  const version = await nextVersion(world);
  const rollout = await rollOut(world, version);
  // It belongs to the share, and has not taken the version since.
  const inside = await workspaceWith(world, version.id);
  await start(world, inside, template.active_version_id);
  await change(world, rollout, "Abort");
  await clock.advance(1);
  const second = await rollOut(world, version);
  const pass = async () => {
    await clock.advance(PAUSE_MS);
    await server.coderd.domain.rollouts.carryOn();
    return stateOf(world, second);
  };
  expect(await pass()).toMatchObject({
    rollout: { percent: 50 },
    waiting: "No workspace has taken the version yet.",
    workspaces: 1,
    share: 1,
  });
  await change(world, second, "Pause");
  await start(world, inside, version.id);
  expect(await pass()).toMatchObject({
    rollout: { status: "paused", percent: 50 },
    succeeded: 1,
    waiting: "",
  });
  await change(world, second, "Resume");
  expect((await stateOf(world, second)).rollout.percent).toBe(50);
  expect((await pass()).rollout.percent).toBe(100);
});

test("it stops when too many builds fail; then the former version is active again", async () => {
  await using world = await setUp();
  const { owner, server, clock, template } = world;
  const former = template.active_version_id;
  const version = await nextVersion(world, FAILS);
  const rollout = await rollOut(world, version, { steps: [100], min_samples: 2 });
  const { carryOn } = server.coderd.domain.rollouts;
  const workspace = await createWorkspace(owner, template, { name: "one" });
  expect((await built(owner, workspace)).job.error).toContain("No such image.");
  await carryOn();
  expect((await stateOf(world, rollout)).rollout.status).toBe("running");
  await clock.advance(1);
  await built(owner, await createWorkspace(owner, template, { name: "two" }));
  await carryOn();

  const progress = await stateOf(world, rollout);
  expect(progress.rollout).toMatchObject({
    status: "stopped",
    percent: 0,
    reason: "2 of 2 workspaces that took the version failed, more than 20%: 2 failed to build.",
  });
  expect(progress.failures).toMatchObject([
    { workspace_name: "two", failure: "build" },
    { workspace_name: "one", failure: "build", error: expect.stringContaining("No such image.") },
  ]);
  expect(await get(world, workspace)).toMatchObject({
    template_active_version_id: former,
    outdated: true,
    template_version_withdrawn: true,
  });
  expect(await server.scrape()).toMatch(/coderd_template_rollout_percent\{[^}]*status="stopped"\} 0\n/);
  // Neither follows the active version by a setting of its own.
  expect((await start(world, workspace)).template_version_id).toBe(former);
  const fresh = await createWorkspace(owner, template, { name: "three" });
  expect((await built(owner, fresh)).template_version_id).toBe(former);

  await expect(change(world, rollout, "Finish")).rejects.toThrow(
    "stopped because too many workspaces failed",
  );
  await expect(rollOut(world, version)).rejects.toThrow("stopped because too many workspaces failed");
  // What failed before it is resumed does not count.
  await clock.advance(1);
  await change(world, rollout, "Resume");
  await carryOn();
  expect(await stateOf(world, rollout)).toMatchObject({
    rollout: { status: "running", percent: 100, reason: "" },
    failed: 0,
  });
  await change(world, rollout, "Abort");
  expect((await get(world, fresh)).template_active_version_id).toBe(former);
  await expect(change(world, rollout, "Resume")).rejects.toThrow("was aborted");
});

test.each([
  ["script", LifecycleState.START_ERROR],
  ["script", LifecycleState.START_TIMEOUT],
  ["agent", undefined],
] as const)("an agent that fails stops it: %s %s", async (failure, state) => {
  await using world = await setUp();
  const { server, clock } = world;
  const token = randomUUID();
  const version = await nextVersion(world, withAgent(token, 1));
  const rollout = await rollOut(world, version, { steps: [100], min_samples: 1 });
  const workspace = await workspaceWith(world, version.id);
  expect(await stateOf(world, rollout)).toMatchObject({ undecided: 1, failed: 0 });
  if (state !== undefined) {
    using agent = await createTestAgent(server, token);
    await agent.connect();
    await agent.client.updateLifecycle({ state: LifecycleState.STARTING });
    expect(await stateOf(world, rollout)).toMatchObject({ undecided: 1, failed: 0 });
    await agent.client.updateLifecycle({ state });
  } else await clock.advance(1_100);
  await server.coderd.domain.rollouts.carryOn();
  expect(await stateOf(world, rollout)).toMatchObject({
    rollout: { status: "stopped" },
    failures: [{ workspace_id: workspace.id, failure }],
  });
});

test("an agent whose scripts have run counts as a success, also once its workspace is stopped", async () => {
  await using world = await setUp();
  const { owner, server } = world;
  const token = randomUUID();
  const version = await nextVersion(world, withAgent(token));
  const rollout = await rollOut(world, version, { steps: [100], min_samples: 1 });
  const workspace = await workspaceWith(world, version.id);
  using agent = await createTestAgent(server, token);
  await agent.connect();
  await agent.client.updateLifecycle({ state: LifecycleState.READY });
  expect(await stateOf(world, rollout)).toMatchObject({ succeeded: 1, undecided: 0, failed: 0 });
  await owner.client.workspaceBuildCreate({
    params: { workspace: workspace.id },
    body: { transition: "stop" },
  });
  await built(owner, workspace);
  expect(await stateOf(world, rollout)).toMatchObject({ succeeded: 1, undecided: 0, failed: 0 });
});

test("a promotion by hand ends it, its versions cannot be archived, and the template can be deleted", async () => {
  await using world = await setUp();
  const { owner, server, template } = world;
  const { client } = owner;
  const params = { template: template.id };
  const former = template.active_version_id;
  const version = await nextVersion(world);
  const rollout = await rollOut(world, version);
  const archive = (id: string) => client.templateVersionArchive({ params: { version: id } });
  await expect(archive(version.id)).rejects.toThrow("The version takes part in a rollout.");
  await expect(archive(former)).rejects.toThrow("The active version cannot be archived.");
  const unused = await client.templateVersionArchiveUnused({ params, body: { all: true } });
  expect(unused.archived_ids).toEqual([]);

  const third = await nextVersion(world);
  await client.templateVersionPromote({ params, body: { id: third.id } });
  expect((await stateOf(world, rollout)).rollout).toMatchObject({
    status: "superseded",
    reason: "Another version was promoted.",
  });
  await archive(version.id);
  await expect(rollOut(world, version)).rejects.toThrow("The version is archived.");
  await expect(rollOut(world, third)).rejects.toThrow("already the template's active version");
  await expect(rollOut(world, { id: randomUUID() })).rejects.toThrow("does not belong to the template");

  const fourth = await nextVersion(world);
  const same = await rollOut(world, fourth);
  await client.templateVersionPromote({ params, body: { id: fourth.id } });
  expect((await stateOf(world, same)).rollout).toMatchObject({ status: "finished", reason: "" });

  await rollOut(world, third);
  await client.templateDelete({ params });
  await server.coderd.domain.rollouts.carryOn();
  await expect(client.rolloutList({ params })).rejects.toMatchObject({ code: "not_found" });
});

test("steps have to ascend", async () => {
  await using world = await setUp();
  const version = await nextVersion(world);
  await expect(rollOut(world, version, { steps: [] })).rejects.toThrow("at least one step");
  await expect(rollOut(world, version, { steps: [50, 50] })).rejects.toThrow("larger than the one before");
  await expect(rollOut(world, version, { steps: [0] })).rejects.toMatchObject({ code: "invalid_argument" });
});
