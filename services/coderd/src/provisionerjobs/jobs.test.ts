import { nullLogger } from "@fleet/base";
import { LogLevel, LogSource } from "@fleet/proto-gen/provisioner";
import { startPrivateRedis, waitFor } from "@fleet/testkit";
import { Redis } from "ioredis";
import { createTestCoderd } from "../testing/coderd.js";
import { clockAhead, firstAnswer, reconcile } from "../testing/jobs.js";
import { createVersion, imported, ONE_AGENT, startProvisioner } from "../testing/work.js";
import { reapJobs } from "./reap.js";
import { JOB_PRIORITY } from "./status.js";
import { completeTags } from "./tags.js";

const log = (output: string) => ({
  source: LogSource.PROVISIONER,
  level: LogLevel.INFO,
  stage: "Planning",
  output,
});

test("a job committed but not enqueued is queued by the reconciler", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const { domain } = server.coderd;
  const version = await createVersion(owner);
  const first = await daemon.acquire();
  const base = (await domain.jobStore.find(first.id))!;
  const committed = await domain.jobs.enqueue({
    organizationId: base.organizationId,
    initiatorId: owner.id,
    type: "template_version_dry_run",
    provisioner: "echo",
    fileId: base.fileId,
    input: { template_version_id: version.id, workspace_name: "x" },
    tags: completeTags({}, owner.id),
    priority: JOB_PRIORITY.template,
  });
  expect(await daemon.take()).toBeUndefined();
  expect(await reconcile(server)).toBe(1);
  expect((await daemon.acquire()).id).toBe(committed.id);
  expect(await reconcile(server)).toBe(0);
});

test("flushing Redis loses no pending or running job", async () => {
  await using redis = await startPrivateRedis();
  await using server = await createTestCoderd({ env: { CODER_REDIS_URL: redis.url } });
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const running = await createVersion(owner);
  const runningJob = await daemon.acquire();
  const pending = await createVersion(owner);
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();

  await daemon.run(runningJob);
  expect((await imported(owner, running)).job.status).toBe("succeeded");
  expect(await reconcile(server)).toBe(1);
  const job = await daemon.acquire();
  expect(job.id).toBe(pending.job.id);
  await daemon.run(job);
  expect((await imported(owner, pending)).job.status).toBe("succeeded");
});

test("a job id taken but never claimed is offered again", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const version = await createVersion(owner);
  const { domain } = server.coderd;
  const [queue] = daemon.queues();
  await waitFor(() => daemon.take(), { what: "the id" });
  expect((await domain.queue.held(queue!)).waiting.size).toBe(0);
  await reconcile(server);
  expect((await daemon.acquire()).id).toBe(version.job.id);
});

test("of two daemons with the same job id, one gets the job", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using one = await startProvisioner(server);
  await using other = await startProvisioner(server);
  await using replica = await server.replica();
  await using third = await startProvisioner(server, { grpcAddress: replica.grpcAddress });
  const version = await createVersion(owner);
  const answers = await Promise.all([one, other, third].map((daemon) => daemon.claim(version.job.id)));
  expect(answers.filter((job) => job !== undefined)).toHaveLength(1);
});

test("a daemon that missed the response to its claim gets the job again as the same attempt", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  await using other = await startProvisioner(server);
  await using replica = await server.replica();
  const version = await createVersion(owner);
  const common = { jobId: version.job.id, daemonId: daemon.id };
  expect((await daemon.claim(version.job.id))?.id).toBe(version.job.id);
  await using replicaClient = await startProvisioner(server, { grpcAddress: replica.grpcAddress });
  const again = await replicaClient.client.acquireJobs({ jobIds: [version.job.id], daemonId: daemon.id });
  expect(again.jobs.map(({ id }) => id)).toEqual([version.job.id]);
  expect(await other.claim(version.job.id)).toBeUndefined();
  expect(await server.coderd.domain.jobStore.find(version.job.id)).toMatchObject({ attempt: 1 });

  const stream = daemon.client.updateJob();
  await stream.send({ ...common, sequence: 1n, logs: [log("begun")] });
  await firstAnswer(stream);
  expect(await daemon.claim(version.job.id)).toBeUndefined();
  await daemon.client.completeJob({ ...common, type: { case: "templateImport", value: {} } });
  expect(await daemon.claim(version.job.id)).toBeUndefined();
});

test("an undelivered claim is released, unless the daemon has claimed the job again", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const version = await createVersion(owner);
  const { jobStore } = server.coderd.domain;
  const [row] = await jobStore.database.$queryRaw<{ keyId: string }[]>`
    SELECT key_id AS "keyId" FROM provisioner_daemons WHERE id = ${daemon.id}::uuid`;
  const claim = { jobId: version.job.id, daemonId: daemon.id, keyId: row!.keyId, userId: null };
  const claims = [{ ...claim, asksBeforeApply: false }];
  const [first, second] = [new Date(Date.now() - 1_000), new Date()];
  await jobStore.claim(claims, first);
  const again = await jobStore.claim(claims, second);
  await jobStore.unclaim(again, first);
  expect(await jobStore.find(version.job.id)).toMatchObject({ startedAt: first });
  await jobStore.unclaim(again, second);
  expect(await jobStore.find(version.job.id)).toMatchObject({ startedAt: null });
});

test("repeated updates and completions count once", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  await using other = await startProvisioner(server);
  const version = await createVersion(owner);
  const job = await daemon.acquire();
  const common = { jobId: job.id, daemonId: daemon.id };
  const message = { ...common, sequence: 1n, logs: [log("one\0"), log("two")] };
  for (const expected of [1n, 1n]) {
    const stream = daemon.client.updateJob();
    await stream.send(message);
    expect(await firstAnswer(stream)).toMatchObject({ acknowledged: expected, lost: false });
  }
  const end = {
    ...common,
    updates: [message, { ...common, sequence: 2n, logs: [log("three")] }],
    type: { case: "templateImport" as const, value: { readme: "# Read me" } },
  };
  await daemon.client.completeJob(end);
  await daemon.client.completeJob(end);
  await daemon.client.failJob({ ...common, error: "too late" });
  await expect(other.client.completeJob({ ...end, daemonId: other.id })).rejects.toMatchObject({
    code: "failed_precondition",
  });
  const late = daemon.client.updateJob();
  await late.send({ ...common, sequence: 3n, logs: [log("late")] });
  expect(await firstAnswer(late)).toMatchObject({ lost: true });

  const lines = await owner.client.templateVersionLogs({ params: { version: version.id } });
  expect(lines.map(({ output }) => output)).toEqual(["one", "two", "three"]);
  expect(await imported(owner, version)).toMatchObject({ readme: "# Read me", job: { status: "succeeded" } });
});

test("jobs that end in one call end independently", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  await using other = await startProvisioner(server);
  const [mine, foreign] = [await createVersion(owner), await createVersion(owner)];
  const claims = await daemon.client.acquireJobs({ jobIds: [mine.job.id], daemonId: daemon.id });
  expect(claims.jobs.map(({ id }) => id)).toEqual([mine.job.id]);
  await other.claim(foreign.job.id);
  const end = (jobId: string) => ({
    jobId,
    daemonId: daemon.id,
    type: { case: "templateImport" as const, value: {} },
  });
  await expect(
    daemon.client.completeJobs({ jobs: [end(foreign.job.id), end(mine.job.id)] }),
  ).rejects.toMatchObject({ code: "failed_precondition" });
  expect((await imported(owner, mine)).job.status).toBe("succeeded");
  expect(await server.coderd.domain.jobStore.find(foreign.job.id)).toMatchObject({ completedAt: null });
});

test("a job cannot be completed with results of another kind", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const version = await createVersion(owner);
  const { id: jobId } = await daemon.acquire();
  const type = { case: "templateDryRun" as const, value: {} };
  await expect(daemon.client.completeJob({ jobId, daemonId: daemon.id, type })).rejects.toMatchObject({
    code: "invalid_argument",
  });
  expect(await server.coderd.domain.jobStore.find(version.job.id)).toMatchObject({ completedAt: null });
});

test("a job's log is truncated at its limit, with a notice", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const version = await createVersion(owner);
  const job = await daemon.acquire();
  const common = { jobId: job.id, daemonId: daemon.id };
  const stream = daemon.client.updateJob();
  await stream.send({ ...common, sequence: 1n, logs: [log("x".repeat(1024 * 1024))] });
  await stream.send({ ...common, sequence: 2n, logs: [log("beyond")] });
  stream.end();
  for await (const answer of stream) if (answer.acknowledged === 2n) break;
  const now = await owner.client.templateVersionGet({ params: { version: version.id } });
  expect(now.job.logs_overflowed).toBe(true);
  expect(await owner.client.templateVersionLogs({ params: { version: version.id } })).toHaveLength(1);
});

test("a log is followed from its first line until the job ends", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const version = await createVersion(owner, {
    ...ONE_AGENT,
    plan: { only: "start", logs: [{ output: "a" }, { output: "b" }] },
  });
  const lines: string[] = [];
  const following = (async () => {
    const params = { version: version.id };
    for await (const line of owner.client.templateVersionLogsFollow({ params })) lines.push(line.output);
  })();
  await daemon.run(await daemon.acquire());
  await following;
  expect(lines).toEqual(["a", "b"]);
});

test("a pending job is canceled immediately, a running one receives a cancel", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const cancel = (version: { id: string }) =>
    owner.client.templateVersionCancel({ params: { version: version.id } });
  const pending = await createVersion(owner);
  await cancel(pending);
  expect((await imported(owner, pending)).job).toMatchObject({ status: "canceled" });
  expect(await daemon.claim(pending.job.id)).toBeUndefined();

  const running = await createVersion(owner);
  const job = await daemon.acquire();
  const common = { jobId: job.id, daemonId: daemon.id };
  const stream = daemon.client.updateJob();
  await stream.send({ ...common, sequence: 1n });
  const answers = stream[Symbol.asyncIterator]();
  expect((await answers.next()).value).toMatchObject({ canceled: false });
  await cancel(running);
  expect((await answers.next()).value).toMatchObject({ canceled: true });
  stream.cancel();
  await daemon.client.failJob({ ...common, error: "The job was canceled.", canceled: true });
  const { job: ended } = await imported(owner, running);
  expect(ended.status).toBe("canceled");
  expect(ended.error).toBeUndefined();
});

test("the queue does not keep a job that is canceled, or expires, while nobody can take it", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const { domain } = server.coderd;
  const versions = [
    await createVersion(owner, undefined, { tags: { far: "away" } }),
    await createVersion(owner, undefined, { tags: { far: "away" } }),
  ];
  const { queue: name } = (await domain.jobStore.find(versions[0]!.job.id))!;
  const waiting = async () => (await domain.queue.held(name)).waiting.size;
  await waitFor(async () => (await waiting()) === 2, { what: "the jobs to be queued" });
  await owner.client.templateVersionCancel({ params: { version: versions[0]!.id } });
  await waitFor(async () => (await waiting()) === 1, { what: "the canceled job to leave the queue" });
  const { jobStore: store, kinds, queue } = domain;
  const clock = clockAhead(31 * 60_000);
  const pubsub = { publish() {} } as never;
  await reapJobs({ store, kinds, queue, pubsub, clock, logger: nullLogger, lostAfterMs: 30_000 });
  await waitFor(async () => (await waiting()) === 0, { what: "the expired job to leave the queue" });
});
