import { LifecycleState } from "@fleet/proto-gen/agent";
import { agentTokensOf, type EchoTemplate } from "@fleet/provisionersdk";
import { createClient, type Template, type Workspace } from "@fleet/sdk";
import { waitFor } from "@fleet/testkit";
import { PREBUILDS_USER_ID } from "../auth/system-users.js";
import { createTestAgent } from "../testing/agents.js";
import {
  createTestCoderd,
  type TestCoderd,
  type TestCoderdOptions,
  type TestUser,
} from "../testing/coderd.js";
import { startTestProvisioner, type TestProvisioner } from "../testing/provisioner.js";
import { built, createTemplate, createVersion, imported, startProvisioner } from "../testing/work.js";

const RESOURCE = { name: "main", type: "null_resource", address: "null_resource.main" };
const AGENT = { name: "main", operatingSystem: "linux", architecture: "amd64" };
const cpu = { name: "cpu", type: "string", defaultValue: "1", mutable: false };
const BIG = { name: "big", parameters: { cpu: "8" } };

type Preset = {
  prebuildInstances?: number;
  prebuildTtlSeconds?: bigint;
  prebuildTimezone?: string;
  prebuildSchedules?: { cron: string; instances: number }[];
};

/** A template with one preset. */
function template(preset: Preset, more: EchoTemplate = {}): EchoTemplate {
  return {
    parameters: [cpu],
    presets: [{ ...BIG, ...preset }],
    resources: [{ ...RESOURCE, agents: [AGENT] }],
    ...more,
  };
}

type World = AsyncDisposable & {
  server: TestCoderd;
  daemon: TestProvisioner;
  owner: TestUser;
  template: Template;
  reconcile(): Promise<void>;
  /** Unclaimed prebuilds, oldest first. */
  prebuilds(): Promise<Workspace[]>;
  /** Reconciles until the prebuilds are as they should be. */
  until(what: string, fits: (prebuilds: Workspace[]) => boolean): Promise<Workspace[]>;
  promote(echo: EchoTemplate): Promise<void>;
};

async function setUp(echo: EchoTemplate, options: TestCoderdOptions = {}): Promise<World> {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd(options));
  const owner = await server.owner();
  const daemon = stack.use(await startProvisioner(server));
  daemon.serve();
  const created = await createTemplate(owner, echo);
  const reconcile = () => server.coderd.domain.prebuilds.reconcile();
  const prebuilds = async () => {
    const { workspaces } = await owner.client.workspaceList({ query: { q: "owner:prebuilds" } });
    return workspaces.sort((a, b) => a.created_at.localeCompare(b.created_at));
  };
  return {
    server,
    daemon,
    owner,
    template: created,
    reconcile,
    prebuilds,
    until: (what, fits) =>
      waitFor(
        async () => {
          await reconcile();
          const found = await prebuilds();
          return fits(found) ? found : undefined;
        },
        { what },
      ),
    async promote(next) {
      const version = await imported(owner, await createVersion(owner, next, { template_id: created.id }));
      await owner.client.templateVersionPromote({
        params: { template: created.id },
        body: { id: version.id },
      });
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const running = ({ latest_build: { status } }: Workspace) => status === "running";
const allRunning = (count: number) => (found: Workspace[]) => found.length === count && found.every(running);

/** The token of the workspace's agent, which only its state contains. */
async function tokenOf({ server }: World, { id, latest_build: build }: Workspace): Promise<string> {
  const state = await server.coderd.domain.stateStore.asOf(id, build.build_number);
  return agentTokensOf(state!)[0]!.token;
}

/** An agent that has connected and is ready. */
async function readyAgent(world: World, workspace: Workspace) {
  const agent = await createTestAgent(world.server, await tokenOf(world, workspace));
  const { ended } = await agent.connect();
  await agent.client.updateLifecycle({ state: LifecycleState.STARTING });
  await agent.client.updateLifecycle({ state: LifecycleState.READY });
  return { ...agent, ended };
}

const create = (world: World, user: TestUser, name: string, body: object = {}) =>
  user.client.workspaceCreate({
    params: { user: "me" },
    body: {
      template_id: world.template.id,
      name,
      rich_parameter_values: [{ name: "cpu", value: "8" }],
      ...body,
    },
  });

test("a prebuild is created, becomes ready and is claimed with its agent's token", async () => {
  await using world = await setUp(template({ prebuildInstances: 1 }));
  const ana = await world.server.user(world.owner, { username: "ana" });
  const [prebuild] = await world.until("the prebuild", allRunning(1));
  expect(prebuild).toMatchObject({ is_prebuild: true, owner_id: PREBUILDS_USER_ID, owner_name: "prebuilds" });
  const token = await tokenOf(world, prebuild!);
  using agent = await readyAgent(world, prebuild!);
  const { agentId } = await agent.client.getManifest({});

  const claimed = await create(world, ana, "mine", { autostart_schedule: "CRON_TZ=UTC 0 9 * * 1-5" });
  expect(claimed).toMatchObject({
    id: prebuild!.id,
    name: "mine",
    owner_name: "ana",
    is_prebuild: false,
    autostart_schedule: "CRON_TZ=UTC 0 9 * * 1-5",
    latest_build: { build_number: 2, transition: "start", template_version_preset_id: expect.any(String) },
  });
  const build = await built(ana, claimed);
  expect(build.job.error ?? "").toBe("");
  const parameters = await ana.client.workspaceBuildParameters({ params: { build: build.id } });
  expect(parameters).toEqual([{ name: "cpu", value: "8" }]);

  // The running agent is told, and is the owner's with the same token.
  await agent.ended;
  using mine = await createTestAgent(world.server, token);
  const manifest = await mine.client.getManifest({});
  expect(manifest).toMatchObject({ ownerName: "ana", workspaceName: "mine" });
  expect(manifest.agentId).not.toBe(agentId);
  // The stock is filled again.
  await world.until("the next prebuild", (found) => found.length === 1 && found[0]!.id !== prebuild!.id);
});

test("a claim is told of resources that it replaces, as are the template's administrators", async () => {
  const changes = [
    {
      address: "docker_container.main",
      mode: "managed",
      type: "docker_container",
      name: "main",
      actions: ["delete", "create"],
      replacePaths: ['["name"]'],
    },
    {
      address: "docker_volume.home",
      mode: "managed",
      type: "docker_volume",
      name: "home",
      actions: ["update"],
    },
  ];
  await using world = await setUp(template({ prebuildInstances: 1 }, { changes } as EchoTemplate));
  const ana = await world.server.user(world.owner, { username: "ana" });
  const [prebuild] = await world.until("the prebuild", allRunning(1));
  using _ = await readyAgent(world, prebuild!);
  const build = await built(ana, await create(world, ana, "mine"));
  const logs = await ana.client.workspaceBuildLogs({ params: { build: build.id } });
  expect(logs.map(({ output }) => output)).toContain(
    "Warning: Claiming this prebuilt workspace replaces a resource: docker_container.main (name)",
  );
  const told = await waitFor(
    async () => {
      const { notifications } = await world.owner.client.inboxList();
      return notifications.find(({ title }) => title.includes("replaces resources"));
    },
    { what: "the notification" },
  );
  expect(told.content).toContain("docker_container.main (name)");
  expect(await world.server.scrape()).toMatch(
    /coderd_prebuilt_workspaces_resource_replacements_total\{.*preset_name="big"\} 1/,
  );
});

test("two who claim at once get two workspaces, and a third one is built as usual", async () => {
  await using world = await setUp(template({ prebuildInstances: 2 }));
  const ana = await world.server.user(world.owner, { username: "ana" });
  const stock = await world.until("two prebuilds", allRunning(2));
  using _ = await readyAgent(world, stock[0]!);
  using __ = await readyAgent(world, stock[1]!);
  // Nothing replaces them while they are claimed.
  await world.owner.client.prebuildSettingsUpdate({ body: { reconciliation_paused: true } });
  const claimed = await Promise.all(["one", "two"].map((name) => create(world, ana, name)));
  expect(claimed.map(({ id }) => id).sort()).toEqual(stock.map(({ id }) => id).sort());
  const third = await create(world, ana, "three");
  expect(stock.map(({ id }) => id)).not.toContain(third.id);
  expect(third.latest_build.build_number).toBe(1);
  for (const workspace of [...claimed, third]) expect((await built(ana, workspace)).status).toBe("running");
  // Another value than the preset's is another workspace, too.
  const other = await create(world, ana, "four", { rich_parameter_values: [{ name: "cpu", value: "4" }] });
  expect(other.latest_build.build_number).toBe(1);
});

test("a prebuild whose agent is not ready, or whose name is taken, is not claimed", async () => {
  await using world = await setUp(template({ prebuildInstances: 1 }));
  const ana = await world.server.user(world.owner, { username: "ana" });
  const [prebuild] = await world.until("the prebuild", allRunning(1));
  const usual = await create(world, ana, "mine");
  expect(usual.id).not.toBe(prebuild!.id);
  using _ = await readyAgent(world, prebuild!);
  await expect(create(world, ana, "mine")).rejects.toMatchObject({ code: "conflict" });
  expect((await world.prebuilds()).map(({ id }) => id)).toEqual([prebuild!.id]);
});

test("replicas that reconcile at the same time create each prebuild once, and delete what is too much", async () => {
  await using world = await setUp(template({ prebuildInstances: 3 }));
  const other = await world.server.replica();
  const both = [world.server.coderd, other, world.server.coderd, other];
  await Promise.all(both.map(({ domain }) => domain.prebuilds.reconcile()));
  await world.until("three prebuilds", allRunning(3));
  const { count } = await world.owner.client.workspaceList({ query: { q: "owner:prebuilds" } });
  expect(count).toBe(3);

  await world.promote(template({ prebuildInstances: 1 }));
  await Promise.all(both.map(({ domain }) => domain.prebuilds.reconcile()));
  const version = (await world.owner.client.templateGet({ params: { template: world.template.id } }))
    .active_version_id;
  const [left] = await world.until("one prebuild of the new version", allRunning(1));
  expect(left!.latest_build.template_version_id).toBe(version);
});

test("invalidated prebuilds are replaced; while paused, nothing is", async () => {
  await using world = await setUp(template({ prebuildInstances: 1 }));
  const { client } = world.owner;
  const [first] = await world.until("the prebuild", allRunning(1));
  await client.prebuildSettingsUpdate({ body: { reconciliation_paused: true } });
  expect(await client.prebuildSettings()).toEqual({ reconciliation_paused: true });
  const { name: version } = await client.templateVersionGet({
    params: { version: world.template.active_version_id },
  });
  expect(await client.prebuildsInvalidate({ params: { template: world.template.id } })).toEqual({
    invalidated: [{ template_name: "echo", template_version_name: version, preset_name: "big" }],
  });
  await world.reconcile();
  expect((await world.prebuilds()).map(({ id }) => id)).toEqual([first!.id]);
  await client.prebuildSettingsUpdate({ body: { reconciliation_paused: false } });
  await world.until("another prebuild", (found) => allRunning(1)(found) && found[0]!.id !== first!.id);
});

test("prebuilds that keep failing are built no more, and that is told", async () => {
  const env = {
    CODER_WORKSPACE_PREBUILDS_FAILURE_HARD_LIMIT: "2",
    CODER_WORKSPACE_PREBUILDS_RECONCILIATION_BACKOFF_INTERVAL: "1ms",
  };
  const fails = template({ prebuildInstances: 1 }, { apply: { only: "start", error: "No such image." } });
  await using world = await setUp(fails, { env });
  const { client } = world.owner;
  const presets = () =>
    client.templateVersionPresets({ params: { version: world.template.active_version_id } });
  await waitFor(
    async () => {
      await world.reconcile();
      return (await presets())![0]!.PrebuildStatus === "hard_limited";
    },
    { what: "the limit" },
  );
  const made = await client.auditList({ query: { q: "resource_type:workspace action:create" } });
  expect(made.count).toBe(2);
  await world.reconcile();
  expect((await client.auditList({ query: { q: "resource_type:workspace action:create" } })).count).toBe(2);
  const told = await waitFor(
    async () => {
      const { notifications } = await client.inboxList();
      return notifications.find(({ title }) => title.includes("keep failing"));
    },
    { what: "the notification" },
  );
  expect(told.content).toContain('The last 2 prebuilt workspaces of the preset "big"');
  // An administrator has mended what the template depends on.
  await client.prebuildsInvalidate({ params: { template: world.template.id } });
  expect((await presets())![0]!.PrebuildStatus).toBe("normal");
});

test("a claim survives the coderd that accepted it", async () => {
  await using world = await setUp(template({ prebuildInstances: 1 }));
  const ana = await world.server.user(world.owner, { username: "ana" });
  const [prebuild] = await world.until("the prebuild", allRunning(1));
  const agent = await readyAgent(world, prebuild!);
  const other = await world.server.replica();
  await world.daemon[Symbol.asyncDispose]();
  await create(world, ana, "mine");
  agent[Symbol.dispose]();
  await world.server.coderd.close();
  const { CODER_REDIS_URL: redisUrl, CODER_REDIS_PREFIX: prefix } = world.server.config;
  await using daemon = await startTestProvisioner({ grpcAddress: other.grpcAddress, redisUrl, prefix });
  daemon.serve();
  const client = createClient({ baseUrl: other.httpUrl, token: ana.token });
  const build = await built({ ...ana, client }, { id: prebuild!.id });
  expect(build).toMatchObject({ status: "running", build_number: 2, workspace_owner_name: "ana" });
});

test("a failed claim is tried again by the next start, with the agent's token", async () => {
  await using world = await setUp(template({ prebuildInstances: 1 }));
  const ana = await world.server.user(world.owner, { username: "ana" });
  const [prebuild] = await world.until("the prebuild", allRunning(1));
  const token = await tokenOf(world, prebuild!);
  using _ = await readyAgent(world, prebuild!);
  await world.daemon[Symbol.asyncDispose]();
  await using daemon = await startProvisioner(world.server);
  const claimed = await create(world, ana, "mine");
  const job = await daemon.acquire();
  expect(job.type.value).toMatchObject({ metadata: { isPrebuild: false, isPrebuildClaim: true } });
  await daemon.client.failJob({ jobId: job.id, daemonId: daemon.id, error: "The disk is full." });
  expect(await built(ana, claimed)).toMatchObject({ status: "failed" });
  daemon.serve();
  await ana.client.workspaceBuildCreate({ params: { workspace: claimed.id }, body: { transition: "start" } });
  expect(await built(ana, claimed)).toMatchObject({ status: "running", build_number: 3 });
  using mine = await createTestAgent(world.server, token);
  expect(await mine.client.getManifest({})).toMatchObject({ workspaceName: "mine" });
});

test("before the claim only administrators see a prebuild, and its agent gets nothing of a user", async () => {
  await using world = await setUp(template({ prebuildInstances: 1 }));
  const { server, owner } = world;
  const ana = await server.user(owner, { username: "ana" });
  const admin = await server.user(owner, { username: "tina", roles: ["template-admin"] });
  const [prebuild] = await world.until("the prebuild", allRunning(1));
  const params = { workspace: prebuild!.id };
  await expect(ana.client.workspaceGet({ params })).rejects.toMatchObject({ code: "not_found" });
  expect((await admin.client.workspaceGet({ params })).is_prebuild).toBe(true);

  // Nobody is, or acts as, the user that owns them.
  for (const user of ["prebuilds", PREBUILDS_USER_ID]) {
    await expect(owner.client.userGet({ params: { user } })).rejects.toMatchObject({ code: "not_found" });
    await expect(
      owner.client.tokenCreate({ params: { user }, body: { token_name: "t" } }),
    ).rejects.toMatchObject({ code: "not_found" });
    await expect(
      owner.client.workspaceCreate({ params: { user }, body: { template_id: world.template.id, name: "w" } }),
    ).rejects.toMatchObject({ code: "not_found" });
  }
  expect((await owner.client.userList()).users.map(({ username }) => username)).toEqual([
    "ana",
    "owner",
    "tina",
  ]);

  const token = await tokenOf(world, prebuild!);
  const asAgent = server.clientOf(token);
  await expect(asAgent.agentSelfGitSshKey()).rejects.toMatchObject({ code: "permission_denied" });
  using _ = await readyAgent(world, prebuild!);
  const reinit = await fetch(`${server.coderd.httpUrl}/api/v2/workspaceagents/me/reinit?wait=true`, {
    headers: { "coder-session-token": token },
  });
  await built(ana, await create(world, ana, "mine"));
  expect(JSON.parse(/^data: (\{.*)$/m.exec(await reinit.text())![1]!)).toEqual({
    workspace_id: prebuild!.id,
    owner_id: ana.id,
    reason: "prebuild_claimed",
  });
  const { public_key } = await ana.client.gitSshKeyGet({ params: { user: "me" } });
  expect((await asAgent.agentSelfGitSshKey()).public_key).toBe(public_key);
});

test("metrics of prebuilds have upstream's names", async () => {
  await using world = await setUp(template({ prebuildInstances: 2 }));
  const ana = await world.server.user(world.owner, { username: "ana" });
  const stock = await world.until("the prebuilds", allRunning(2));
  await world.owner.client.prebuildSettingsUpdate({ body: { reconciliation_paused: true } });
  using _ = await readyAgent(world, stock[0]!);
  await built(ana, await create(world, ana, "mine"));
  using __ = await readyAgent(world, stock[1]!);
  const scraped = await world.server.scrape();
  const of = (name: string) => {
    const line = new RegExp(`^coderd_prebuilt_workspaces_${name}\\{(.*)\\} (\\d+)$`, "m").exec(scraped)!;
    expect(line[1]).toBe('organization_name="coder",template_name="echo",preset_name="big"');
    return Number(line[2]);
  };
  const names = ["desired", "running", "eligible", "created_total", "failed_total", "claimed_total"];
  expect(names.map(of)).toEqual([2, 1, 1, 2, 0, 1]);
});
