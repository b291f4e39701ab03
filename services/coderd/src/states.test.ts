import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { formatDuration, isFleetError, nullLogger } from "@fleet/base";
import { AppHealth, LifecycleState } from "@fleet/proto-gen/agent";
import type { TemplateVersion, WorkspaceBuild } from "@fleet/sdk";
import { createFakeClock, type FakeClock, waitFor } from "@fleet/testkit";
import { createDatabase } from "./database/client.js";
import { createReplicas } from "./deployment/replicas.js";
import { createReplicaStore } from "./deployment/replicas-store.js";
import { createAssignments } from "./provisionerjobs/assignments.js";
import { PENDING_LIMIT_MS } from "./provisionerjobs/reap.js";
import { createAgentWorkspace, createTestAgent, createTestProxy } from "./testing/agents.js";
import { createTestCoderd, type TestCoderd, type TestUser } from "./testing/coderd.js";
import type { TestProvisioner } from "./testing/provisioner.js";
import { type Ending, type EndingState, endingStates, type Machines } from "./testing/states.js";
import { passTime } from "./testing/time.js";
import {
  built,
  createTemplate,
  createVersion,
  createWorkspace,
  imported,
  ONE_AGENT,
  startProvisioner,
} from "./testing/work.js";

// Each state that ends on its own: drive a real object into it, kill its peer, and let time pass.

type World = {
  server: TestCoderd;
  owner: TestUser;
  /** The owner of the workspaces. */
  user: TestUser;
  clock: FakeClock;
  stack: AsyncDisposableStack;
};

/** Drives an object into the state and kills its peer. Returns a function that reads the state as clients see it. */
type Drive = (world: World) => Promise<() => Promise<string>>;

/** One for each state that ends: a missing one is a compile error. */
const DRIVES: { [M in keyof Machines]: { [S in Ending<M>]: Drive } } = {
  build: {
    pending: buildWhose("stop", async (_daemon, _build, world) => longAgo(world)),
    starting: buildWhose("start", claimAndDie),
    stopping: buildWhose("stop", claimAndDie),
    deleting: buildWhose("delete", claimAndDie),
    canceling: buildWhose("stop", async (daemon, build, { user }) => {
      await claimAndDie(daemon, build);
      await user.client.workspaceBuildCancel({ params: { build: build.id } });
    }),
  },
  restart: { waiting: stoppedInSilence },
  rollout: {
    running: async (world) => {
      const { client } = world.owner;
      const [template, version] = await withDaemon(world, async () => {
        const template = await createTemplate(world.owner, ONE_AGENT, `t-${world.user.username}`);
        const options = { template_id: template.id };
        return [template, await imported(world.owner, await createVersion(world.owner, ONE_AGENT, options))];
      });
      const params = { template: template.id };
      await client.rolloutCreate({
        params,
        body: { template_version_id: version.id, steps: [100], pause_ms: 60_000 },
      });
      return async () => (await client.rolloutList({ params }))[0]!.status;
    },
  },
  templateVersion: {
    pending: importWhose(async (_daemon, _version, world) => longAgo(world)),
    running: importWhose(claimAndDie),
    canceling: importWhose(async (daemon, version, { owner }) => {
      await claimAndDie(daemon, version);
      await owner.client.templateVersionCancel({ params: { version: version.id } });
    }),
  },
  agentConnection: {
    connecting: async (world) => (await agentOf(world)).status,
    connected: async (world) => {
      const { agent, status } = await agentOf(world);
      await agent.connect();
      return status;
    },
  },
  agentLifecycle: {
    created: lifecycleOf(undefined),
    starting: lifecycleOf(LifecycleState.STARTING),
    start_timeout: lifecycleOf(LifecycleState.START_TIMEOUT),
    start_error: lifecycleOf(LifecycleState.START_ERROR),
    ready: lifecycleOf(LifecycleState.READY),
    shutting_down: lifecycleOf(LifecycleState.SHUTTING_DOWN),
  },
  replacedAgent: { streaming: replacedInSilence },
  app: { initializing: appOf(undefined), healthy: appOf(AppHealth.HEALTHY) },
  connection: {
    open: async (world) => {
      const { agent, db } = await agentOf(world);
      await agent.connect();
      const connectionId = randomUUID();
      await agent.client.reportConnection({ connectionId, action: "connect", type: "ssh" });
      return async () => {
        const row = await db.connectionLog.findUniqueOrThrow({ where: { connectionId } });
        return row.disconnectedAt ? "ended" : "open";
      };
    },
  },
  daemon: {
    idle: daemonThat(async () => {}),
    busy: daemonThat(async ({ owner }, daemon) => {
      expect(await daemon.claim((await createVersion(owner)).job.id)).toBeDefined();
    }),
  },
  proxy: {
    ok: async ({ server, owner }) => {
      const { client } = owner;
      const { proxy, proxy_token } = await client.workspaceProxyCreate({ body: { name: "east" } });
      (await createTestProxy(server, randomUUID(), proxy_token))[Symbol.dispose]();
      return async () =>
        (await client.workspaceProxyGet({ params: { proxy: proxy.id } })).status?.status ?? "";
    },
  },
  route: {
    held: async ({ server }) => {
      const { routes } = server.coderd.domain;
      const agentId = randomUUID();
      const holds = (replicaId: string) =>
        routes.announce({ replicaId, relayAddress: `${replicaId}:1` }, new Map([[agentId, 1]]));
      await holds("killed");
      return async () => {
        await holds("alive");
        return (await routes.lookup(agentId)).some(({ replicaId }) => replicaId === "killed")
          ? "held"
          : "gone";
      };
    },
  },
  key: {
    valid: async ({ server, user }) => {
      const issued = { userId: user.id, loginType: "token", tokenName: "ci", lifetimeMs: 60_000 } as const;
      const client = server.clientOf((await server.coderd.domain.apiKeys.issue(issued)).token);
      return () =>
        client.userGet({ params: { user: "me" } }).then(
          () => "valid",
          (error) => (isFleetError(error, "unauthenticated") ? "ended" : String(error)),
        );
    },
  },
  replica: {
    listed: async ({ server, owner, clock, stack }) => {
      const { db } = openDatabase(server, stack);
      const stopped = { ...clock, every: () => ({ cancel() {} }) };
      const hostname = "killed";
      const killed = createReplicas({
        store: createReplicaStore(db),
        clock: stopped,
        logger: nullLogger,
        hostname,
      });
      await killed.start();
      return async () => {
        const listed = await owner.client.replicas();
        return listed.some(({ id }) => id === killed.id) ? "listed" : "gone";
      };
    },
  },
};

/** How often the state is checked as time passes. */
const LOOK_EVERY_MS = 6_000;

/** Between steps the clock runs at real speed, so that connection checks can run. */
const TICK_MS = 100;

/** Simulating minutes of a deployment takes a while. */
const LIMIT_MS = 60_000;

const deployment = new AsyncDisposableStack();
let server: TestCoderd;
let owner: TestUser;
let clock: FakeClock;
let turn = Promise.resolve();

/** Advances the clock; calls run one after another. */
function advance(ms: number): Promise<void> {
  turn = turn.then(() => clock.advance(ms));
  return turn;
}

beforeAll(async () => {
  clock = createFakeClock(new Date());
  deployment.adopt(
    setInterval(() => void advance(TICK_MS), TICK_MS),
    async (ticks) => {
      clearInterval(ticks);
      await turn;
    },
  );
  server = deployment.use(await createTestCoderd({ clock }));
  owner = await server.owner();
  // A newly started coderd does not reap until it has had time to receive heartbeats.
  await passTime(server, 70_000, advance);
}, LIMIT_MS);
afterAll(() => deployment.disposeAsync());

test.each(endingStates())(
  "$machine: $state ends as $to",
  async ({ machine, state, to, withinMs }) => {
    await using stack = new AsyncDisposableStack();
    const world = { server, owner, user: await server.user(owner), clock, stack };
    const look = await (DRIVES[machine] as Record<string, Drive>)[state]!(world);
    if (withinMs > 0) expect(await look()).toBe(state);
    let passed = 0;
    for (; (await look()) !== to && passed <= withinMs; passed += LOOK_EVERY_MS)
      await passTime(server, LOOK_EVERY_MS, advance);
    // Work triggered by the clock may still be running, or be about to: Redis, whose clock is not the test's, lets a job
    // run once in nine tenths of its interval.
    await waitFor(async () => (await look()) === to, { what: `${machine} to be ${to}`, timeoutMs: 30_000 });
  },
  LIMIT_MS,
);

test("docs/states.md has the table", async () => {
  const page = await readFile(join(import.meta.dirname, "../../../docs/states.md"), "utf8");
  expect(page).toContain(endingStates().map(rowOf).join("\n"));
});

function rowOf({ machine, state, to, by, withinMs }: EndingState): string {
  const name = machine.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return `| ${name} | ${state} | ${to} | ${by} | ${withinMs === 0 ? "at once" : formatDuration(withinMs)} |`;
}

/** A workspace with a build and a daemon that can take it; the test decides what the daemon does. */
function buildWhose(
  transition: "start" | "stop" | "delete",
  fate: (daemon: TestProvisioner, build: WorkspaceBuild, world: World) => Promise<void>,
): Drive {
  return async (world) => {
    const { client } = world.user;
    const workspace = await withDaemon(world, async () => {
      const template = await createTemplate(world.owner, ONE_AGENT, `t-${world.user.username}`);
      const made = await createWorkspace(world.user, template);
      await built(world.user, made);
      return made;
    });
    await using daemon = await startProvisioner(world.server);
    const params = { workspace: workspace.id };
    const build = await client.workspaceBuildCreate({ params, body: { transition } });
    await fate(daemon, build, world);
    return async () => (await client.workspaceGet({ params })).latest_build.status;
  };
}

function importWhose(
  fate: (daemon: TestProvisioner, version: TemplateVersion, world: World) => Promise<void>,
): Drive {
  return async (world) => {
    const { server, owner } = world;
    await using daemon = await startProvisioner(server);
    const version = await createVersion(owner);
    await fate(daemon, version, world);
    const params = { version: version.id };
    return async () => (await owner.client.templateVersionGet({ params })).job.status;
  };
}

/** Moves jobs close to the limit for waiting for a daemon. */
async function longAgo({ server, stack }: World): Promise<void> {
  const { db } = openDatabase(server, stack);
  const ms = PENDING_LIMIT_MS - 60_000;
  await db.$executeRaw`UPDATE provisioner_jobs SET created_at = created_at - ${ms} * interval '1 millisecond'`;
  await db.$executeRaw`UPDATE provisioner_daemons SET last_seen_at = last_seen_at - ${ms} * interval '1 millisecond'`;
}

async function claimAndDie(daemon: TestProvisioner, { job }: { job: { id: string } }): Promise<void> {
  expect(await daemon.claim(job.id)).toBeDefined();
  daemon.die();
}

function daemonThat(does: (world: World, daemon: TestProvisioner) => Promise<void>): Drive {
  return async (world) => {
    const daemon = world.stack.use(await startProvisioner(world.server));
    // The daemon hangs: its session is open, but it sends nothing.
    await does(world, daemon);
    const params = { organization: "default" };
    return async () => {
      const daemons = await world.owner.client.provisionerDaemonList({ params });
      return daemons.find(({ id }) => id === daemon.id)?.status ?? "";
    };
  };
}

/** Runs the work while a daemon is serving. */
async function withDaemon<T>({ server }: World, work: () => Promise<T>): Promise<T> {
  await using daemon = await startProvisioner(server);
  daemon.serve();
  return await work();
}

/** A running workspace with an agent controlled by the test, which never sends heartbeats. */
async function agentOf(world: World) {
  const { server, owner, user, stack } = world;
  const app = { slug: "web", displayName: "Web", url: "http://localhost:8080", id: randomUUID() };
  const healthcheck = { url: "http://localhost:8080/healthz", intervalSeconds: 1, threshold: 2 };
  const spec = { connectionTimeoutSeconds: 120, apps: [{ ...app, healthcheck }] };
  const made = await withDaemon(world, () => createAgentWorkspace(owner, user, spec));
  const agent = stack.use(await createTestAgent(server, made.token));
  const get = () => user.client.agentGet({ params: { agent: made.agentId } });
  return {
    ...made,
    agent,
    get,
    status: async () => (await get()).status,
    db: openDatabase(server, stack).db,
  };
}

function lifecycleOf(state: LifecycleState | undefined): Drive {
  return async (world) => {
    const { agent, get, workspace } = await agentOf(world);
    await agent.connect();
    if (state !== undefined) await agent.client.updateLifecycle({ state });
    const { user } = world;
    await withDaemon(world, async () => {
      const params = { workspace: workspace.id };
      await user.client.workspaceBuildCreate({ params, body: { transition: "stop" } });
      await built(user, workspace);
    });
    // A late message over a connection that is not closed yet changes nothing.
    await agent.client.updateLifecycle({ state: LifecycleState.STARTING }).catch(() => {});
    return async () => (await get()).lifecycle_state;
  };
}

function appOf(health: AppHealth | undefined): Drive {
  return async (world) => {
    const { agent, get } = await agentOf(world);
    await agent.connect();
    const [app] = (await get()).apps;
    const updates = health === undefined ? [] : [{ appId: app!.id, health }];
    await agent.client.batchUpdateAppHealths({ updates });
    return async () => (await get()).apps[0]!.health;
  };
}

/** The coderd that ended the build replacing the agent was killed before it could publish that. */
async function replacedInSilence(world: World): Promise<() => Promise<string>> {
  const { user } = world;
  const { agent, workspace } = await agentOf(world);
  let state = "streaming";
  void (await agent.connect()).ended.then(() => {
    state = "cut";
  });
  const params = { workspace: workspace.id };
  await endInSilence(world, await user.client.workspaceBuildCreate({ params, body: { transition: "stop" } }));
  return async () => state;
}

/** The coderd that ended the stop of a restart was killed before it could create the start. */
async function stoppedInSilence(world: World): Promise<() => Promise<string>> {
  const { client } = world.user;
  const { workspace } = await agentOf(world);
  const params = { workspace: workspace.id };
  const body = { transition: "start", restart: true } as const;
  const stop = await client.workspaceBuildCreate({ params, body });
  await endInSilence(world, stop);
  return async () =>
    (await client.workspaceBuildGet({ params: { build: stop.id } })).next_build?.status ?? "";
}

/** Ends a stop as coderd does, killed right after that is stored. */
async function endInSilence({ server, clock }: World, { job }: WorkspaceBuild): Promise<void> {
  await using daemon = await startProvisioner(server);
  expect(await daemon.claim(job.id)).toBeDefined();
  const { jobStore: store, kinds } = server.coderd.domain;
  const silent = createAssignments({ store, kinds, pubsub: { publish() {} } as never, clock });
  await silent.complete({
    jobId: job.id,
    daemonId: daemon.id,
    updates: [],
    timings: [],
    type: "workspace_build",
    result: { state: new Uint8Array(), resources: [] },
  });
}

function openDatabase(server: TestCoderd, stack: AsyncDisposableStack) {
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 2 });
  stack.defer(close);
  return { db };
}
