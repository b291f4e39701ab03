import { text } from "node:stream/consumers";
import { PROVISIONER_RPC_PROTOCOL } from "@fleet/base";
import { upgrade } from "@fleet/base/upgrade";
import { createDialer, createGrpcClient } from "@fleet/proto-gen";
import { AgentService } from "@fleet/proto-gen/agent";
import { ProxyService } from "@fleet/proto-gen/proxy";
import { routes } from "@fleet/sdk";
import { waitFor } from "@fleet/testkit";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { WebSocket } from "ws";
import { createTestCoderd, PROXY_TOKEN, PSK, type TestCoderd, type TestUser } from "../testing/coderd.js";
import type { TestProvisioner, TestProvisionerOptions } from "../testing/provisioner.js";
import {
  createTemplate,
  createVersion,
  createWorkspace,
  imported,
  startProvisioner,
} from "../testing/work.js";

/** Starts a daemon that reaches coderd only through its HTTP port. */
function startExternal(
  server: TestCoderd,
  options: Partial<TestProvisionerOptions> = {},
): Promise<TestProvisioner> {
  return startProvisioner(server, { accessUrl: server.coderd.httpUrl, ...options });
}

async function createKey({ client }: TestUser, name: string, tags = {}, organization = "default") {
  return (await client.provisionerKeyCreate({ params: { organization }, body: { name, tags } })).key;
}

/** The message that a daemon is refused with. */
function refusal(starting: Promise<TestProvisioner>): Promise<{ code: string; message: string }> {
  return starting.then(
    async (daemon) => {
      await daemon[Symbol.asyncDispose]();
      throw new Error("The daemon was accepted.");
    },
    ({ code, message }) => ({ code, message }),
  );
}

test("an external daemon imports and builds without Redis, and its jobs leave the queue", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startExternal(server, { key: await createKey(owner, "edge"), name: "edge-1" });
  daemon.serve();
  const template = await createTemplate(owner);
  const workspace = await createWorkspace(owner, template);
  await waitFor(
    async () => {
      const { latest_build } = await owner.client.workspaceGet({ params: { workspace: workspace.id } });
      return latest_build.job.status === "succeeded";
    },
    { what: "the build to succeed" },
  );
  const [listed] = await owner.client.provisionerDaemonList({ params: { organization: "default" } });
  expect(listed).toMatchObject({ name: "edge-1", key_name: "edge", status: "idle" });

  const redis = new Redis(server.config.CODER_REDIS_URL, { maxRetriesPerRequest: null });
  const [name] = daemon.queues();
  const queue = new Queue(name!, { connection: redis, prefix: `${server.config.CODER_REDIS_PREFIX}:bull` });
  await waitFor(async () => (await queue.count()) === 0, { what: "the claimed jobs to leave the queue" });
  await queue.close();
  redis.disconnect();
});

test("every replica offers a job; one daemon gets it, whether it takes from the queue or not", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const replica = await server.replica();
  await using near = await startExternal(server);
  await using far = await startExternal(server, { accessUrl: replica.httpUrl });
  await using queued = await startProvisioner(server);
  const daemons = [near, far, queued];
  for (const daemon of daemons) daemon.serve();
  const versions = await Promise.all(Array.from({ length: 12 }, () => createVersion(owner)));
  const ended = await Promise.all(versions.map((version) => imported(owner, version)));
  expect(ended.map(({ job }) => job.status)).toEqual(versions.map(() => "succeeded"));
  const workers = new Set(ended.map(({ job }) => job.worker_id));
  for (const worker of workers) expect(daemons.map(({ id }) => id)).toContain(worker);
});

test("a daemon with a wrong key, organization or tag is told what to change", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  await owner.client.organizationCreate({ body: { name: "other" } });
  const key = await createKey(owner, "edge", { region: "eu" });
  const cases: [string, Partial<TestProvisionerOptions>, { code: string; message: string | RegExp }][] = [
    [
      "unknown key",
      { key: "wrong" },
      { code: "unauthenticated", message: /key is invalid or was deleted.*CODER_PROVISIONER_DAEMON_KEY/ },
    ],
    ["unknown session", { session: "wrong" }, { code: "unauthenticated", message: /Sign in again/ }],
    [
      "key of another organization",
      { key, organization: "other" },
      { code: "invalid_argument", message: /belongs to another organization than "other".*--org/ },
    ],
    [
      "no such organization",
      { organization: "none" },
      { code: "invalid_argument", message: /Organization "none" not found/ },
    ],
    [
      "an organization that the user is not in",
      { session: ana.token, organization: "other", tags: { scope: "user" } },
      { code: "invalid_argument", message: /Organization "other" not found/ },
    ],
    [
      "tags besides those of the key",
      { key, tags: { region: "us" } },
      {
        code: "invalid_argument",
        message: /key has its own tags: owner=,region=eu,scope=organization.*--tag/,
      },
    ],
    [
      "a member for the organization's jobs",
      { session: ana.token },
      {
        code: "permission_denied",
        message: /do not have permission to run provisioner daemons.*--tag scope=user/,
      },
    ],
  ];
  for (const [what, options, told] of cases) {
    const said = await refusal(startExternal(server, options));
    expect({ what, code: said.code, said: said.message }).toEqual({
      what,
      code: told.code,
      said: expect.stringMatching(told.message),
    });
  }
});

test("a user's daemon runs that user's jobs, and nobody else's; whoever manages templates runs the organization's", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana", roles: ["template-admin"] });
  const ben = await server.user(owner, { username: "ben" });
  await using own = await startExternal(server, {
    session: ben.token,
    tags: { scope: "user", owner: ana.id },
  });
  const shared = await createVersion(ana);
  const personal = await createVersion(ana, undefined, { tags: { scope: "user" } });
  for (const { job } of [shared, personal]) expect(await own.claim(job.id)).toBeUndefined();

  await using organizations = await startExternal(server, { session: ana.token });
  expect(await organizations.claim(personal.job.id)).toBeUndefined();
  expect((await organizations.acquire()).id).toBe(shared.job.id);
  await using anas = await startExternal(server, { session: ana.token, tags: { scope: "user" } });
  expect((await anas.acquire()).id).toBe(personal.job.id);

  const listed = await owner.client.provisionerDaemonList({ params: { organization: "default" } });
  expect(listed.find(({ id }) => id === own.id)).toMatchObject({
    key_name: "user-auth",
    tags: { scope: "user", owner: ben.id },
  });
});

test("a key for one user's jobs stays that user's, whatever owner its daemon names", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana", roles: ["template-admin"] });
  const key = await createKey(owner, "mine", { scope: "user" });
  expect(
    await refusal(startExternal(server, { key, tags: { scope: "user", owner: ana.id, more: "x" } })),
  ).toMatchObject({
    code: "invalid_argument",
  });
  await using daemon = await startExternal(server, { key, tags: { scope: "user", owner: ana.id } });
  const version = await createVersion(ana, undefined, { tags: { scope: "user" } });
  expect(await daemon.claim(version.job.id)).toBeUndefined();
});

const MINE = { case: "workspaceBuild" as const, value: { state: Buffer.from("mine") } };

type Held = { id: string; daemonId: string; fileId: string };

/** Every call that names a job or a file, as a daemon that has neither would make it. */
const TRESPASSES: Record<string, (daemon: TestProvisioner, job: Held) => Promise<unknown>> = {
  acquireJobs: async (daemon, job) =>
    (await daemon.client.acquireJobs({ jobIds: [job.id], daemonId: daemon.id })).jobs.length > 0,
  acquireJobsAsOther: async (daemon, job) =>
    (await daemon.client.acquireJobs({ jobIds: [job.id], daemonId: job.daemonId })).jobs.length > 0,
  offerJobsAsOther: ({ client }, job) =>
    client.offerJobs({ daemonId: job.daemonId, limit: 1 }, { timeoutMs: 1_000 }),
  updateJob: ({ id, client }, job) => update(client, { jobId: job.id, daemonId: id }),
  updateJobAsOther: ({ client }, job) => update(client, { jobId: job.id, daemonId: job.daemonId }),
  commitQuota: ({ id, client }, job) => client.commitQuota({ jobId: job.id, daemonId: id, dailyCost: 1 }),
  commitQuotaAsOther: ({ client }, job) =>
    client.commitQuota({ jobId: job.id, daemonId: job.daemonId, dailyCost: 1 }),
  completeJob: ({ id, client }, job) => client.completeJob({ jobId: job.id, daemonId: id, type: MINE }),
  completeJobAsOther: ({ client }, job) =>
    client.completeJob({ jobId: job.id, daemonId: job.daemonId, type: MINE }),
  completeJobs: ({ client }, job) =>
    client.completeJobs({ jobs: [{ jobId: job.id, daemonId: job.daemonId, type: MINE }] }),
  failJob: ({ id, client }, job) => client.failJob({ jobId: job.id, daemonId: id, error: "mine" }),
  failJobAsOther: ({ client }, job) =>
    client.failJob({ jobId: job.id, daemonId: job.daemonId, error: "mine" }),
  downloadFile: async ({ client }, job) => {
    for await (const { chunk } of client.downloadFile({ fileId: job.fileId }))
      if (chunk.length > 0) return true;
    return false;
  },
  heartbeat: async (daemon, job) => {
    await daemon.beat([job.id]);
    return false;
  },
};

/** True if the update was accepted; an answer that the job is lost is a refusal. */
async function update(
  client: TestProvisioner["client"],
  job: { jobId: string; daemonId: string },
): Promise<boolean> {
  const stream = client.updateJob();
  await stream.send({ ...job, sequence: 1n, checkpointState: Buffer.from("mine") });
  for await (const { lost } of stream) return !lost;
  return false;
}

/** A daemon that has claimed the build of a workspace. */
async function startHolder(server: TestCoderd, owner: TestUser, options: Partial<TestProvisionerOptions>) {
  const holder = await startExternal(server, options);
  const version = await createVersion(owner);
  await holder.run(await holder.acquire());
  const template = await owner.client.templateCreate({
    params: { organization: "default" },
    body: { name: `held-${version.id.slice(0, 8)}`, template_version_id: version.id },
  });
  const { latest_build } = await createWorkspace(owner, template, { name: template.name });
  const claimed = await holder.acquire();
  const job = { id: claimed.id, daemonId: holder.id, fileId: claimed.source!.fileId };
  return { holder, job, build: latest_build.id, [Symbol.asyncDispose]: () => holder[Symbol.asyncDispose]() };
}

/** Who may run the organization's jobs may read their archives. */
const MAY_READ = ["another key of the organization", "a user"];

/** The calls that were not refused. */
async function trespass(daemon: TestProvisioner, job: Held): Promise<string[]> {
  const done: string[] = [];
  for (const [call, attempt] of Object.entries(TRESPASSES)) {
    const result = await attempt(daemon, job).catch((error) => error);
    const refused = result === false || (result instanceof Error && !/internal/i.test(result.message));
    if (!refused) done.push(`${call}: ${String(result)}`);
  }
  return done;
}

test("no daemon can take, change, end or read the jobs of another, whichever calls it makes", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const [ana, ben, cas] = await Promise.all(
    ["ana", "ben", "cas"].map((username) => server.user(owner, { username, roles: ["template-admin"] })),
  );
  await owner.client.organizationCreate({ body: { name: "other" } });
  await using stack = new AsyncDisposableStack();
  const byKey = stack.use(await startHolder(server, owner, { key: await createKey(owner, "holder") }));
  // All users' daemons have the same built-in key.
  const byUser = stack.use(await startHolder(server, owner, { session: ana!.token }));
  const intruders: Record<string, Partial<TestProvisionerOptions>> = {
    "another organization's key": { key: await createKey(owner, "other", {}, "other") },
    "another key of the organization": { key: await createKey(owner, "second") },
    "a user": { session: ben!.token },
    "a user's own": { session: cas!.token, tags: { scope: "user" } },
  };
  const found: string[] = [];
  for (const { holder, job, build } of [byKey, byUser]) {
    for (const [who, options] of Object.entries(intruders)) {
      await using daemon = await startExternal(server, options);
      const calls = (await trespass(daemon, job)).filter((call) => {
        return !(MAY_READ.includes(who) && call.startsWith("downloadFile"));
      });
      found.push(...calls.map((call) => `${who}: ${call}`));
    }
    expect(await server.coderd.domain.jobStore.find(job.id)).toMatchObject({
      workerId: holder.id,
      completedAt: null,
      canceledAt: null,
      updateSequence: 0n,
    });
    expect(await (await owner.client.workspaceBuildState({ params: { build } })).text()).not.toContain(
      "mine",
    );
  }
  expect(found).toEqual([]);
});

test.each(["key", "session", "role"] as const)(
  "a daemon's session ends within 5 s on every replica when its %s is gone",
  async (what) => {
    await using server = await createTestCoderd();
    const owner = await server.owner();
    const ana = await server.user(owner, { username: "ana", roles: ["template-admin"] });
    const replica = await server.replica();
    const credential = what === "key" ? { key: await createKey(owner, "edge") } : { session: ana.token };
    await using here = await startExternal(server, credential);
    await using there = await startExternal(server, { ...credential, accessUrl: replica.httpUrl });
    const beganAt = performance.now();
    if (what === "key")
      await owner.client.provisionerKeyDelete({ params: { organization: "default", keyName: "edge" } });
    if (what === "session") await ana.client.logout({});
    if (what === "role")
      await owner.client.userRolesUpdate({ params: { user: ana.id }, body: { roles: [] } });
    for (const daemon of [here, there])
      expect(await daemon.ended()).toMatchObject({
        code: what === "role" ? "permission_denied" : "unauthenticated",
      });
    expect(performance.now() - beganAt).toBeLessThan(5_000);
    await createVersion(owner);
    await expect(here.take()).rejects.toThrow();
  },
);

test("a connection carries the provisioner's service alone, and nobody gets one without a credential", async () => {
  await using server = await createTestCoderd({ env: { CODER_API_RATE_LIMIT: "20" } });
  const options = {
    accessUrl: server.coderd.httpUrl,
    path: routes.provisionerRpc.path,
    protocol: PROVISIONER_RPC_PROTOCOL,
  };
  await expect(upgrade({ ...options, headers: {} })).rejects.toMatchObject({ code: "unauthenticated" });
  const headers = { "coder-provisioner-daemon-psk": PSK };
  await expect(upgrade({ ...options, protocol: "coder-agent-rpc/1", headers })).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringContaining(PROVISIONER_RPC_PROTOCOL),
  });
  const dialer = await createDialer(() => upgrade({ ...options, headers }));
  const metadata = () => ({ ...headers, "coder-proxy-token": PROXY_TOKEN });
  const proxy = createGrpcClient(ProxyService, { address: dialer.address, metadata });
  await expect(proxy.lookupRoute({ agentId: "x" })).rejects.toMatchObject({ code: "unimplemented" });
  const agent = createGrpcClient(AgentService, { address: dialer.address, metadata });
  await expect(agent.getManifest({})).rejects.toMatchObject({ code: "unimplemented" });
  proxy.close();
  agent.close();
  dialer.close();

  const guess = (n: number) =>
    upgrade({ ...options, headers: { "coder-provisioner-daemon-key": `guess-${n}` } }).catch(
      ({ code }) => code,
    );
  expect(await Promise.all(Array.from({ length: 30 }, (_, n) => guess(n)))).toContain("resource_exhausted");
  const socket = await upgrade({ ...options, headers });
  socket.destroy();
});

test("upstream's daemons are told, on their own endpoint, which program to run", async () => {
  await using server = await createTestCoderd();
  const url = `${server.coderd.httpUrl}/api/v2/organizations/default/provisionerdaemons/serve?version=1.6&provisioner=terraform`;
  const socket = new WebSocket(url.replace("http", "ws"), {
    headers: { "Coder-Provisioner-Daemon-Key": "any" },
  });
  const [status, body] = await new Promise<[number, string]>((resolve, reject) => {
    socket.once("unexpected-response", async (_request, response) =>
      resolve([response.statusCode!, await text(response)]),
    );
    socket.once("error", reject);
  });
  expect(status).toBe(400);
  expect(JSON.parse(body).message).toMatch(/`coder provisioner start`/);
  const plain = await fetch(url);
  expect(plain.status).toBe(426);
  await plain.text();
});
