import { spawn } from "node:child_process";
import { once } from "node:events";
import { FleetError, systemClock } from "@fleet/base";
import { LogLevel, Transition } from "@fleet/proto-gen/provisioner";
import { type EchoTemplate, echoTemplate } from "@fleet/provisionersdk";
import { captureLogs, freePort, startPrivateRedis, waitFor } from "@fleet/testkit";
import { Redis } from "ioredis";
import { createRedisSource } from "./source/redis.js";
import { outputOf, type TestCoderd } from "./testing/coderd.js";
import { createHarness } from "./testing/harness.js";

async function pushBuild(coderd: TestCoderd, template: EchoTemplate, transition = Transition.START) {
  return coderd.push(await buildOf(coderd, template, transition));
}

async function buildOf(coderd: TestCoderd, template: EchoTemplate, transition = Transition.START) {
  const source = coderd.upload(await echoTemplate(template));
  return { source, type: { case: "workspaceBuild" as const, value: { metadata: { transition } } } };
}

/** Starts a server at a fixed address, without data. */
function startRedisAt(port: number, password?: string) {
  const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  if (password) options.push("--requirepass", password);
  const program = "redis-server";
  return spawn(program, options, { stdio: "ignore" });
}

const container = {
  name: "main",
  type: "docker_container",
  agents: [{ name: "dev", operatingSystem: "linux", architecture: "amd64", order: 2n }],
};

test("a build runs from the queue to its acknowledged completion", async () => {
  await using fleet = await createHarness();
  const record = await pushBuild(fleet.coderd, {
    plan: { logs: [{ output: "planned" }] },
    apply: { logs: [{ level: "warn", output: "applied" }] },
    resources: [container],
  });
  const completed = await waitFor(() => record.completed, { what: "the build" });
  expect(completed.type).toMatchObject({
    case: "workspaceBuild",
    value: { resources: [{ name: "main", agents: [{ name: "dev", order: 2n, auth: { case: "token" } }] }] },
  });
  expect(outputOf(record)).toEqual(["planned", "applied"]);
  expect(record.logs.find((log) => log.output === "applied")).toMatchObject({
    level: LogLevel.WARN,
    stage: "Starting workspace",
  });
  await waitFor(() => fleet.ended.length === 1, { what: "the slot" });
  const isEmpty = async () => Object.values(await fleet.coderd.queued()).every((count) => count === 0);
  await waitFor(isEmpty, { what: "the queue to forget the job" });
});

test("the secrets of a job are hidden in its log and in its error", async () => {
  await using fleet = await createHarness();
  const secrets = [
    "session-token-1",
    "git-token-22",
    "sensitive-value",
    "-----BEGIN X-----\nkey-line-of-ssh\n",
  ];
  const spoken = [
    ...secrets.slice(0, 3),
    "key-line-of-ssh",
    Buffer.from("a:git-token-22").toString("base64"),
  ];
  const { source, type } = await buildOf(fleet.coderd, {
    plan: { logs: spoken.map((output) => ({ output: `it is ${output}.` })) },
    apply: { error: `It failed with ${secrets[2]} in plain-value.` },
  });
  const [ownerSessionToken, accessToken, value, ownerSshPrivateKey] = secrets as [
    string,
    string,
    string,
    string,
  ];
  const record = await fleet.coderd.push({
    source,
    type: {
      ...type,
      value: {
        metadata: { ...type.value.metadata, ownerSessionToken, ownerSshPrivateKey },
        externalAuthTokens: [{ id: "git", accessToken }],
        variableValues: [
          { name: "a", value, sensitive: true },
          { name: "b", value: "plain-value", sensitive: false },
        ],
      },
    },
  });
  const failed = await waitFor(() => record.failed, { what: "the build" });
  expect(failed.error).toBe("It failed with ******** in plain-value.");
  const output = outputOf(record);
  expect(output.slice(0, 4)).toEqual(Array.from({ length: 4 }, () => "it is ********."));
  expect(output[4]).toMatch(/^it is .{3}\*{8}.?=*\.$/);
});

test("an import reports what the template declares and plans with the user's values", async () => {
  await using fleet = await createHarness();
  fleet.coderd.answers.variableValues = [{ name: "region", value: "fra" }];
  const source = fleet.coderd.upload(
    await echoTemplate({
      readme: "# Hello",
      variables: [{ name: "region", type: "string", required: true }],
      parameters: [{ name: "cpu", type: "number", defaultValue: "2" }],
      resources: [container],
      stopResources: [{ name: "home", type: "docker_volume" }],
    }),
  );
  const record = await fleet.coderd.push({ source, type: { case: "templateImport", value: {} } });
  const { type } = await waitFor(() => record.completed, { what: "the import" });
  expect(type).toMatchObject({
    case: "templateImport",
    value: {
      readme: "# Hello",
      startResources: [{ name: "main" }],
      stopResources: [{ name: "home" }],
      richParameters: [{ name: "cpu", defaultValue: "2" }],
      templateVariables: [{ name: "region" }],
    },
  });
});

test("an import without a required variable fails and names it", async () => {
  await using fleet = await createHarness();
  const source = fleet.coderd.upload(await echoTemplate({ variables: [{ name: "region", required: true }] }));
  const record = await fleet.coderd.push({ source, type: { case: "templateImport", value: {} } });
  const failed = await waitFor(() => record.failed, { what: "the failure" });
  expect(failed).toMatchObject({
    errorCode: "REQUIRED_TEMPLATE_VARIABLES",
    error: expect.stringContaining('"region"'),
  });
});

test("a failed apply keeps the state and the error", async () => {
  await using fleet = await createHarness();
  const state = new TextEncoder().encode('{"echo":3}');
  const build = await buildOf(fleet.coderd, { apply: { error: "The cloud said no." } });
  const record = await fleet.coderd.push({
    ...build,
    type: { ...build.type, value: { ...build.type.value, state } },
  });
  const failed = await waitFor(() => record.failed, { what: "the failure" });
  expect(failed).toMatchObject({ error: "The cloud said no.", canceled: false });
  expect(new TextDecoder().decode(failed.state)).toBe('{"echo":3}');
});

test("a result that coderd rejects is reported as a failure with its error and the state", async () => {
  await using fleet = await createHarness();
  fleet.coderd.answers.refusal = new FleetError("invalid_argument", "An app has an icon that is no URL.");
  const record = await pushBuild(fleet.coderd, {});
  const failed = await waitFor(() => record.failed, { what: "the failure" });
  expect(failed).toMatchObject({ error: "An app has an icon that is no URL.", canceled: false });
  expect(JSON.parse(new TextDecoder().decode(failed.state))).toMatchObject({ echo: 1 });
});

test("a job that has already ended is dropped without further reports", async () => {
  await using fleet = await createHarness();
  fleet.coderd.answers.refusal = new FleetError(
    "failed_precondition",
    "The job is no longer assigned to this daemon.",
  );
  const record = await pushBuild(fleet.coderd, {});
  await waitFor(() => fleet.ended.length === 1, { what: "the slot" });
  expect(fleet.ended).toEqual([{ provisioner: "echo", outcome: "lost" }]);
  expect(record.failed).toBeUndefined();
});

test("a workspace over quota is refused between plan and apply", async () => {
  await using fleet = await createHarness();
  fleet.coderd.answers.quota = { ok: false, creditsConsumed: 90, budget: 100 };
  const record = await pushBuild(fleet.coderd, {
    resources: [{ ...container, dailyCost: 40 }],
    apply: { logs: [{ output: "applied" }] },
  });
  const failed = await waitFor(() => record.failed, { what: "the refusal" });
  expect(failed).toMatchObject({
    errorCode: "INSUFFICIENT_QUOTA",
    error: expect.stringMatching(/cost 40 credits per day.*use 90 of the budget of 100.*Stop or delete/),
  });
  expect(fleet.coderd.costs).toEqual([40]);
  expect(outputOf(record)).not.toContain("applied");
});

test("a cancel ends a job gracefully", async () => {
  await using fleet = await createHarness();
  const record = await pushBuild(fleet.coderd, {
    apply: { logs: [{ output: "waiting" }], waitForStop: "graceful" },
  });
  await waitFor(() => outputOf(record).includes("waiting"), { what: "the job to wait" });
  record.tell({ canceled: true });
  const failed = await waitFor(() => record.failed, { what: "the cancel" });
  expect(failed).toMatchObject({ canceled: true, error: "The job was canceled." });
});

test("a job that ignores a cancel is killed after the interval", async () => {
  await using fleet = await createHarness({ forceCancelIntervalMs: 50 });
  const record = await pushBuild(fleet.coderd, {
    apply: { logs: [{ output: "deaf" }], waitForStop: "forced" },
  });
  await waitFor(() => outputOf(record).includes("deaf"), { what: "the job to wait" });
  record.tell({ canceled: true });
  expect(await waitFor(() => record.failed, { what: "the end by force" })).toMatchObject({ canceled: true });
});

test("a job owned by another daemon ends immediately without reports", async () => {
  await using fleet = await createHarness();
  const record = await pushBuild(fleet.coderd, {
    apply: { logs: [{ output: "running" }], waitForStop: "forced" },
  });
  await waitFor(() => outputOf(record).includes("running"), { what: "the job to run" });
  record.tell({ lost: true });
  await waitFor(() => fleet.ended.length === 1, { what: "the slot" });
  expect(fleet.ended).toEqual([{ provisioner: "echo", outcome: "lost" }]);
  expect(record.failed ?? record.completed).toBeUndefined();
});

test("a restarting coderd receives every log line once and the job's result", async () => {
  await using fleet = await createHarness();
  const record = await pushBuild(fleet.coderd, {
    plan: { logs: [{ output: "before" }], delayMs: 600 },
    apply: { logs: [{ output: "after" }], delayMs: 600 },
  });
  await waitFor(() => outputOf(record).includes("before"), { what: "the first line" });
  fleet.coderd.stop();
  await fleet.coderd.listen();
  await waitFor(() => record.completed, { what: "the end" });
  expect(outputOf(record)).toEqual(["before", "after"]);
  await waitFor(() => fleet.coderd.registrations.length >= 2, { what: "another registration" });
});

test("a claim and a download with lost responses are retried, and the job runs once", async () => {
  await using fleet = await createHarness();
  const build = await buildOf(fleet.coderd, { apply: { logs: [{ output: "applied" }] } });
  fleet.coderd.answers.lost = 3;
  const record = await fleet.coderd.push(build);
  await waitFor(() => record.completed, { what: "the job" });
  expect(outputOf(record)).toEqual(["applied"]);
  expect(record.acquiredBy).toHaveLength(1);
});

test("a daemon without a response to its claim keeps the id while the job may be its own", async () => {
  await using fleet = await createHarness({ jobLostAfterMs: 2_000 });
  const build = await buildOf(fleet.coderd, {});
  fleet.coderd.answers.lost = Number.POSITIVE_INFINITY;
  const record = await fleet.coderd.push(build);
  await waitFor(() => record.acquiredBy.length === 1, { what: "the claim" });
  const since = performance.now();
  await waitFor(async () => (await fleet.coderd.queued()).delayed === 1, { what: "the id to go back" });
  expect(performance.now() - since).toBeGreaterThan(1_000);
  fleet.coderd.answers.lost = 0;
  await waitFor(() => record.completed, { what: "the job" });
  expect(record.acquiredBy).toHaveLength(1);
});

test("draining finishes running jobs and takes no more; cancel ends them", async () => {
  await using fleet = await createHarness();
  const running = await pushBuild(fleet.coderd, {
    apply: { logs: [{ output: "running" }], waitForStop: "graceful" },
  });
  await waitFor(() => outputOf(running).includes("running"), { what: "the job to run" });
  fleet.daemon.drain();
  const later = await pushBuild(fleet.coderd, {});
  expect(fleet.daemon.running()).toHaveLength(1);
  fleet.daemon.cancel();
  await fleet.daemon.done;
  expect(running.failed).toMatchObject({
    canceled: true,
    shutDown: false,
    error: expect.stringContaining("provisioner shut down"),
  });
  expect(later.acquiredBy).toEqual([]);
});

test.each<[string, EchoTemplate]>([
  ["a plan", { plan: { logs: [{ output: "running" }], waitForStop: "graceful" } }],
  // As a plan that terraform does not interrupt: the daemon may still be allowed to apply.
  ["a plan that ends all the same", { plan: { logs: [{ output: "running" }], delayMs: 500 } }],
])("a daemon that shuts down says that %s has changed nothing", async (_, echo) => {
  await using fleet = await createHarness();
  const build = await pushBuild(fleet.coderd, echo);
  await waitFor(() => outputOf(build).includes("running"), { what: "the job to run" });
  fleet.daemon.cancel();
  await fleet.daemon.done;
  expect(build.failed).toMatchObject({ shutDown: true });
});

test("a daemon with a wrong key is rejected with coderd's message", async () => {
  await using fleet = await createHarness({ psk: "right", daemonPsk: "wrong" });
  await expect(fleet.daemon.done).rejects.toMatchObject({
    code: "unauthenticated",
    message: "The pre-shared key is wrong.",
  });
});

test("if Redis dies, running jobs finish, and others are taken once it is back", async () => {
  const port = await freePort();
  let redis = startRedisAt(port);
  try {
    await using fleet = await createHarness({ redisUrl: `redis://127.0.0.1:${port}`, prefix: "own" });
    const running = await pushBuild(fleet.coderd, { apply: { logs: [{ output: "running" }], delayMs: 500 } });
    await waitFor(() => outputOf(running).includes("running"), { what: "the job to run" });
    redis.kill("SIGKILL");
    await once(redis, "exit");
    await waitFor(() => running.completed, { what: "the running job's end" });
    redis = startRedisAt(port);
    const later = await pushBuild(fleet.coderd, {});
    await waitFor(() => later.completed, { what: "the later job" });
  } finally {
    redis.kill("SIGKILL");
  }
});

test("if Redis is flushed, running jobs finish, and ids offered again are taken", async () => {
  await using redis = await startPrivateRedis();
  await using fleet = await createHarness({ redisUrl: redis.url, prefix: "own", slots: 1 });
  const running = await pushBuild(fleet.coderd, { apply: { logs: [{ output: "running" }], delayMs: 500 } });
  await waitFor(() => outputOf(running).includes("running"), { what: "the job to run" });
  const pending = await pushBuild(fleet.coderd, {});
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
  await waitFor(() => running.completed, { what: "the running job's end" });
  expect(pending.acquiredBy).toEqual([]);
  await fleet.coderd.offer(pending.job.id!);
  await waitFor(() => pending.completed, { what: "the job that was offered again" });
});

test("an id offered twice, or without a job, is not run twice and leaves the queue", async () => {
  await using fleet = await createHarness();
  const record = await pushBuild(fleet.coderd, {});
  await waitFor(() => record.completed, { what: "the job" });
  await fleet.coderd.offer(record.job.id!);
  await fleet.coderd.offer("00000000-0000-0000-0000-000000000000");
  const isEmpty = async () => Object.values(await fleet.coderd.queued()).every((count) => count === 0);
  await waitFor(isEmpty, { what: "the queue to be empty" });
  expect(record.acquiredBy).toHaveLength(1);
});

test("many jobs over many slots each run once", async () => {
  await using fleet = await createHarness({ slots: 8 });
  const build = await buildOf(fleet.coderd, {});
  const records = await Promise.all(Array.from({ length: 200 }, () => fleet.coderd.push(build)));
  await waitFor(() => records.every((record) => record.completed), { what: "all jobs", timeoutMs: 20_000 });
  expect(records.every((record) => record.acquiredBy.length === 1)).toBe(true);
});

test("heartbeats report what prevents the daemon from working", async () => {
  const warning = { code: "EPD04", message: "It may not." };
  let warnings = [warning];
  await using fleet = await createHarness({ warnings: () => warnings });
  const { registrations, heartbeats } = fleet.coderd;
  await waitFor(() => registrations.length === 1, { what: "the registration" });
  expect(registrations[0]!.warnings).toMatchObject([warning]);
  await waitFor(() => heartbeats.at(-1)?.warnings.length === 1, { what: "a heartbeat" });
  warnings = [];
  await waitFor(() => heartbeats.at(-1)?.warnings.length === 0, { what: "a heartbeat without it" });
});

test("an unavailable Redis is reported without its password until it is available", async () => {
  const port = await freePort();
  const { logger, lines } = captureLogs();
  const url = `redis://:s3cret@127.0.0.1:${port}`;
  const source = createRedisSource({ url, prefix: "test", clock: systemClock, logger });
  await waitFor(() => source.trouble !== undefined, { what: "the trouble" });
  expect(source.trouble).toContain(`Could not connect to Redis at redis://127.0.0.1:${port}:`);
  expect(lines).toEqual([{ level: "error", message: source.trouble, fields: {} }]);
  const server = startRedisAt(port, "s3cret");
  try {
    await waitFor(() => source.trouble === undefined, { what: "the recovery" });
  } finally {
    server.kill();
    await source.close();
  }
});

test("a wrong Redis password is reported, and no password is logged", async () => {
  const port = await freePort();
  const server = startRedisAt(port, "s3cret");
  const { logger, text } = captureLogs();
  const url = `redis://:wr0ng@127.0.0.1:${port}`;
  const source = createRedisSource({ url, prefix: "test", clock: systemClock, logger });
  try {
    await waitFor(() => source.trouble?.includes("WRONGPASS"), { what: "the refusal" });
    expect(text()).not.toMatch(/s3cret|wr0ng/);
  } finally {
    server.kill();
    await source.close();
  }
});
