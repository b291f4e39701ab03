import { LogLevel, LogSource } from "@fleet/proto-gen/provisioner";
import { createTestCoderd } from "../testing/coderd.js";
import { firstAnswer, reap, reconcile, templateAndWorkspace } from "../testing/jobs.js";
import { built, createVersion, imported, startProvisioner } from "../testing/work.js";

test("a build whose daemon dies fails with its state kept, and is not retried", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const { workspace } = await templateAndWorkspace(server, owner);
  await using doomed = await startProvisioner(server);
  const build = await owner.client.workspaceBuildCreate({
    params: { workspace: workspace.id },
    body: { transition: "stop" },
  });
  const job = await doomed.acquire();
  const updates = doomed.client.updateJob();
  const checkpointState = new TextEncoder().encode('{"echo":"half-way"}');
  await updates.send({ jobId: job.id, daemonId: doomed.id, sequence: 1n, checkpointState });
  await firstAnswer(updates);
  doomed.die();

  expect(await reap(server)).toMatchObject([{ id: job.id, type: "workspace_build", retried: false }]);
  const failed = await built(owner, workspace);
  expect(failed).toMatchObject({ id: build.id, status: "failed" });
  expect(failed.job.error).toMatch(/stopped responding/);
  const state = await owner.client.workspaceBuildState({ params: { build: build.id } });
  expect(await state.text()).toBe('{"echo":"half-way"}');
  expect(await reconcile(server)).toBe(0);

  await using healthy = await startProvisioner(server);
  await owner.client.workspaceBuildCreate({
    params: { workspace: workspace.id },
    body: { transition: "stop" },
  });
  const retry = await healthy.acquire();
  expect(retry.type.value).toMatchObject({ state: Buffer.from('{"echo":"half-way"}') });
});

test("a build whose daemon dies before it asked to apply runs again, three times in all", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const { workspace } = await templateAndWorkspace(server, owner);
  await using daemon = await startProvisioner(server, { asksBeforeApply: true });
  const { id } = await owner.client.workspaceBuildCreate({
    params: { workspace: workspace.id },
    body: { transition: "stop" },
  });
  for (const attempt of [1, 2, 3]) {
    await daemon.acquire();
    expect(await reap(server)).toMatchObject([{ type: "workspace_build", retried: attempt < 3 }]);
    expect(await reconcile(server)).toBe(attempt < 3 ? 1 : 0);
  }
  expect(await built(owner, workspace)).toMatchObject({ id, status: "failed" });
  const lines = await owner.client.workspaceBuildLogs({ params: { build: id } });
  expect(lines.map(({ stage }) => stage)).toEqual(["Retrying", "Retrying"]);
});

test("a build is not run again once its daemon was allowed to apply, by this release or by the former", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const { workspace } = await templateAndWorkspace(server, owner);
  const { database } = server.coderd.domain.jobStore;
  await using daemon = await startProvisioner(server, { asksBeforeApply: true });
  const stop = () =>
    owner.client.workspaceBuildCreate({ params: { workspace: workspace.id }, body: { transition: "stop" } });

  const { id } = await stop();
  const job = await daemon.acquire();
  const ask = { jobId: job.id, daemonId: daemon.id, dailyCost: 0 };
  // Its answer may have been lost.
  for (const _ of [1, 2]) expect(await daemon.client.commitQuota(ask)).toMatchObject({ ok: true });
  // The claim is repeated, as if its answer had been lost, too.
  expect(await daemon.claim(job.id)).toBeDefined();
  expect(await reap(server)).toMatchObject([{ id: job.id, retried: false }]);
  expect((await built(owner, workspace)).id).toBe(id);
  await expect(daemon.client.commitQuota(ask)).rejects.toMatchObject({ code: "failed_precondition" });

  const again = await stop();
  await daemon.acquire();
  // All that a replica of the former release writes when it allows the apply.
  await database.$queryRaw`UPDATE workspace_builds SET daily_cost = 0 WHERE id = ${again.id}::uuid`;
  expect(await reap(server)).toMatchObject([{ retried: false }]);
});

test("a daemon that lost its build, or whose build was canceled, may not apply", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const { workspace } = await templateAndWorkspace(server, owner);
  await using asleep = await startProvisioner(server, { asksBeforeApply: true });
  const { id } = await owner.client.workspaceBuildCreate({
    params: { workspace: workspace.id },
    body: { transition: "stop" },
  });
  const job = await asleep.acquire();
  expect(await reap(server)).toMatchObject([{ retried: true }]);
  await reconcile(server);
  await using awake = await startProvisioner(server, { asksBeforeApply: true });
  expect((await awake.acquire()).id).toBe(job.id);
  for (const dailyCost of [0, 5]) {
    const ask = asleep.client.commitQuota({ jobId: job.id, daemonId: asleep.id, dailyCost });
    await expect(ask).rejects.toMatchObject({ message: expect.stringMatching(/no longer assigned/) });
  }
  await owner.client.workspaceBuildCancel({ params: { build: id } });
  const ask = awake.client.commitQuota({ jobId: job.id, daemonId: awake.id, dailyCost: 0 });
  await expect(ask).rejects.toMatchObject({ message: expect.stringMatching(/canceled/) });
});

test("a coderd that dies while failing a lost build leaves it to the next, which keeps its state", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const { workspace } = await templateAndWorkspace(server, owner);
  await using doomed = await startProvisioner(server);
  await owner.client.workspaceBuildCreate({
    params: { workspace: workspace.id },
    body: { transition: "stop" },
  });
  const job = await doomed.acquire();
  const { kinds } = server.coderd.domain;
  const dies = async () => {
    throw new Error("killed");
  };
  const dying = { ...kinds, workspace_build: { ...kinds.workspace_build, fail: dies } };
  await expect(reap(server, dying)).rejects.toThrow("killed");
  expect(await server.coderd.domain.jobStore.find(job.id)).toMatchObject({ completedAt: null, error: null });

  expect(await reap(server)).toMatchObject([{ id: job.id, type: "workspace_build", retried: false }]);
  const build = await built(owner, workspace);
  expect(build.status).toBe("failed");
  const state = await owner.client.workspaceBuildState({ params: { build: build.id } });
  expect(JSON.parse(await state.text())).toMatchObject({ echo: 1 });
});

test("an import whose daemon dies is retried, three times in total", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const version = await createVersion(owner);
  for (const attempt of [1, 2, 3]) {
    expect((await daemon.acquire()).id).toBe(version.job.id);
    expect(await reap(server)).toMatchObject([
      { id: version.job.id, type: "template_version_import", retried: attempt < 3 },
    ]);
    expect(await reconcile(server)).toBe(attempt < 3 ? 1 : 0);
  }
  const { job } = await imported(owner, version);
  expect(job).toMatchObject({ status: "failed", error: expect.stringMatching(/stopped responding/) });
});

test("a job with heartbeats only is not reaped", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  await createVersion(owner);
  const job = await daemon.acquire();
  const { domain } = server.coderd;
  await domain.jobStore.beat(daemon.id, [job.id], new Date(Date.now() + 20_000));
  expect(await reap(server)).toEqual([]);
});

test.each([
  ["a stop", "stop"],
  ["a start", "start"],
] as const)(
  "%s whose daemon shuts down before it may apply is queued again at once",
  async (_, transition) => {
    await using server = await createTestCoderd();
    const owner = await server.owner();
    const { workspace } = await templateAndWorkspace(server, owner);
    await using leaving = await startProvisioner(server, { asksBeforeApply: true });
    await using staying = await startProvisioner(server, { asksBeforeApply: true });
    const { id } = await owner.client.workspaceBuildCreate({
      params: { workspace: workspace.id },
      body: { transition },
    });
    const job = await leaving.acquire();
    const shutDown = {
      jobId: job.id,
      daemonId: leaving.id,
      error: "The provisioner shut down.",
      shutDown: true,
    };
    await leaving.client.failJob({ ...shutDown, canceled: true });
    // Neither the reaper nor the reconciler has to find it.
    const again = await staying.acquire();
    expect(again.id).toBe(job.id);
    // The report may arrive twice.
    await expect(leaving.client.failJob(shutDown)).rejects.toMatchObject({ code: "failed_precondition" });
    await staying.run(again);
    expect(await built(owner, workspace)).toMatchObject({ id, job: { status: "succeeded" } });
    const lines = await owner.client.workspaceBuildLogs({ params: { build: id } });
    expect(lines.filter(({ stage }) => stage === "Retrying").map(({ output }) => output)).toEqual([
      "The provisioner shut down before it changed anything. The job was queued again.",
    ]);
  },
);

test("a job given up by a daemon that shuts down ends if it was canceled or has no attempt left", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const { workspace } = await templateAndWorkspace(server, owner);
  const params = { workspace: workspace.id };
  const stop = () => owner.client.workspaceBuildCreate({ params, body: { transition: "stop" } });
  await using daemon = await startProvisioner(server, { asksBeforeApply: true });
  const shutDown = (jobId: string) =>
    daemon.client.failJob({
      jobId,
      daemonId: daemon.id,
      error: "The provisioner shut down.",
      shutDown: true,
    });

  await stop();
  for (const _ of [1, 2, 3]) {
    const { id: jobId } = await daemon.acquire();
    // It may be allowed to apply, and not begin.
    await daemon.client.commitQuota({ jobId, daemonId: daemon.id, dailyCost: 0 });
    await shutDown(jobId);
  }
  expect((await built(owner, workspace)).job).toMatchObject({
    status: "failed",
    error: "The provisioner shut down.",
  });

  const canceled = await stop();
  const running = await daemon.acquire();
  await owner.client.workspaceBuildCancel({ params: { build: canceled.id } });
  await shutDown(running.id);
  expect((await built(owner, workspace)).job.status).toBe("canceled");
});

test("an import whose daemon shuts down is queued again with the log that it sent last", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const version = await createVersion(owner);
  const job = await daemon.acquire();
  const common = { jobId: job.id, daemonId: daemon.id };
  const logs = [{ source: LogSource.PROVISIONER, level: LogLevel.INFO, stage: "Planning", output: "so far" }];
  await daemon.client.failJob({ ...common, updates: [{ ...common, sequence: 1n, logs }], shutDown: true });
  await daemon.run(await daemon.acquire());
  expect((await imported(owner, version)).job.status).toBe("succeeded");
  const lines = await owner.client.templateVersionLogs({ params: { version: version.id } });
  expect(lines.map(({ output }) => output)).toContain("so far");
});
