import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { createCloser, systemClock } from "@fleet/base";
import { createTestLogger, createTestRedis } from "@fleet/testkit";
import { createCoderdClient } from "./coderd-client.js";
import { openJournal } from "./journal.js";
import { processName } from "./process-name.js";
import { createTestCoderd } from "./testing/coderd.js";

const STATE = Buffer.from('{"version":4,"serial":3}');

/** A journal that a killed daemon has written, and coderd with the job that it had. */
async function startKilled() {
  const closer = createCloser();
  const redis = await createTestRedis();
  closer.add(async () => redis[Symbol.asyncDispose]());
  const coderd = await createTestCoderd({ redisUrl: redis.url, prefix: redis.prefix });
  closer.add(() => coderd[Symbol.asyncDispose]());
  const client = createCoderdClient({ address: coderd.address, credential: { psk: "psk" } });
  closer.add(() => client.close());
  const cache = await mkdtemp(join(tmpdir(), "fleet-journal-"));
  closer.add(() => rm(cache, { recursive: true, force: true }));
  const directory = join(cache, "journal");
  const stateFile = join(cache, "terraform.tfstate");
  const daemonId = randomUUID();
  const open = (id: string) =>
    openJournal({ directory, daemonId: id, clock: systemClock, logger: createTestLogger() });
  const record = coderd.insert({});
  return {
    record,
    jobId: record.job.id!,
    daemonId,
    stateFile,
    journal: await open(daemonId),
    files: () => readdir(directory),
    /** The daemon is killed, and another one starts. */
    async restart() {
      const dead = `${hostname()}.${spawnSync("true").pid}`;
      for (const name of await readdir(directory)) {
        await rename(join(directory, name), join(directory, name.replace(processName(), dead)));
      }
      const next = await open(randomUUID());
      // As when work folders of dead daemons are removed.
      await rm(stateFile, { force: true });
      await next.deliver(client);
    },
    [Symbol.asyncDispose]: () => closer.close(),
  };
}

test("a daemon killed during apply: the next one reports the failure with the state that terraform left", async () => {
  await using test = await startKilled();
  const { jobId, daemonId, record } = test;
  await writeFile(test.stateFile, STATE);
  await test.journal.begin(jobId, test.stateFile);
  await test.restart();
  expect(record.failed).toMatchObject({ jobId, daemonId, state: STATE });
  expect(record.failed!.error).toMatch(/was killed/);
  expect(await test.files()).toEqual([]);
});

test.each([
  ["is cut off", '{"version":4,"ser'],
  ["does not exist", undefined],
])("a state that %s is not reported: the last checkpoint counts", async (_what, content) => {
  await using test = await startKilled();
  if (content !== undefined) await writeFile(test.stateFile, content);
  await test.journal.begin(test.jobId, test.stateFile);
  await test.restart();
  expect(test.record.failed).toBeDefined();
  expect(test.record.failed!.state).toBeUndefined();
});

test("a daemon killed between apply and its report: the next one completes the build", async () => {
  await using test = await startKilled();
  const { jobId, daemonId, record } = test;
  await test.journal.begin(jobId, test.stateFile);
  const type = { case: "workspaceBuild" as const, value: { state: STATE, resources: [{ name: "main" }] } };
  await test.journal.report(jobId, { case: "complete", value: { jobId, daemonId, type } });
  await test.restart();
  expect(record.failed).toBeUndefined();
  expect(record.completed).toMatchObject({ daemonId, type: { value: { state: STATE } } });
  expect(await test.files()).toEqual([]);
});

test("what a living daemon has, what was delivered, and what is no entry stays untouched", async () => {
  await using test = await startKilled();
  const { jobId, journal } = test;
  await journal.begin(jobId, test.stateFile);
  await journal.remove(jobId);
  expect(await test.files()).toEqual([]);
  const alive = `${hostname()}.${process.ppid}~${jobId}.begun`;
  const elsewhere = `other-host.1~${jobId}.begun`;
  const old = `other-host.2~${jobId}.begun`;
  const directory = join(test.stateFile, "..", "journal");
  for (const name of [alive, elsewhere, old]) await writeFile(join(directory, name), "{}");
  await utimes(join(directory, old), 0, 0);
  await mkdir(join(directory, "folder"));
  await test.restart();
  expect((await test.files()).sort()).toEqual([alive, elsewhere, "folder"].sort());
  expect(test.record.failed).toBeUndefined();
});
