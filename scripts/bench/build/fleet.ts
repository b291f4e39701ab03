import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Closer, nullLogger, systemClock, VERSION } from "@fleet/base";
import { startRedis } from "@fleet/embedded";
import type { PreparedVersion } from "@fleet/proto-gen/provisioner";
import { packFiles } from "@fleet/provisionersdk";
import { createCoderdClient } from "../../../services/provisionerd/src/coderd-client.js";
import { createDaemon } from "../../../services/provisionerd/src/daemon.js";
import type { Engine } from "../../../services/provisionerd/src/engine/engine.js";
import { createFileCache } from "../../../services/provisionerd/src/files.js";
import { openJournal } from "../../../services/provisionerd/src/journal.js";
import { createRedisSource } from "../../../services/provisionerd/src/source/redis.js";
import { setUpTerraform } from "../../../services/provisionerd/src/terraform/setup.js";
import type { TestArchives } from "../../../services/provisionerd/src/testing/archives.js";
import { createTestCoderd, type JobRecord } from "../../../services/provisionerd/src/testing/coderd.js";
import { METADATA } from "./templates.js";

/** Jobs that the daemon runs at once. */
export const SLOTS = 8;

/** A daemon with a test's coderd, a real Redis and nothing in its caches. Archives are those of the given coderd. */
export async function startFleet(closer: Closer, engine: Engine, archives?: TestArchives) {
  const folder = await mkdtemp(join(tmpdir(), "bench-build-"));
  closer.add(() => rm(folder, { recursive: true, force: true }));
  const redis = await startRedis({ dir: join(folder, "redis"), logger: nullLogger });
  closer.add(() => redis.close());
  const coderd = await createTestCoderd({
    redisUrl: redis.url,
    prefix: "bench",
    ...(archives && { archives }),
  });
  closer.add(async () => coderd[Symbol.asyncDispose]());
  const client = createCoderdClient({ address: coderd.address, credential: { psk: "bench" } });
  closer.add(() => client.close());
  const source = createRedisSource({
    url: redis.url,
    prefix: "bench",
    clock: systemClock,
    logger: nullLogger,
  });
  closer.add(() => source.close());
  const provisioner = await setUpTerraform({
    terraformPath: engine.path,
    cacheDirectory: join(folder, "cache"),
    cliConfig: undefined,
    hostEnv: process.env,
    closer,
    clock: systemClock,
    logger: nullLogger,
  });
  let startedAt = 0;
  let running = 0;
  let ended: (() => void) | undefined;
  const daemonId = crypto.randomUUID();
  const daemon = createDaemon({
    client,
    source,
    provisioners: [provisioner],
    journal: await openJournal({
      directory: join(folder, "journal"),
      daemonId,
      clock: systemClock,
      logger: nullLogger,
    }),
    files: await createFileCache({ client, directory: join(folder, "files"), clock: systemClock }),
    evaluationSlots: 0,
    identity: {
      daemonId,
      name: "bench",
      version: VERSION,
      tags: {},
      slots: SLOTS,
      organization: "",
    },
    warnings: () => [],
    instruments: {
      jobStarted: () => {
        startedAt ||= performance.now();
      },
      jobEnded: () => {
        running -= 1;
        if (running === 0) ended?.();
      },
    },
    clock: systemClock,
    logger: nullLogger,
  });
  closer.add(async () => {
    daemon.cancel();
    await daemon.done;
  });

  /** Runs jobs at once; returns the milliseconds from the first claim to the last completion. */
  async function time(
    ...jobs: Parameters<typeof coderd.push>[0][]
  ): Promise<{ ms: number; records: JobRecord[] }> {
    const done = new Promise<void>((resolve) => {
      ended = resolve;
    });
    startedAt = 0;
    running = jobs.length;
    const records = await Promise.all(jobs.map((job) => coderd.push({ provisioner: "terraform", ...job })));
    await done;
    const ms = performance.now() - startedAt;
    for (const { failed } of records) if (failed) throw new Error(`A job failed: ${failed.error}`);
    return { ms, records };
  }

  /** Imports a template; returns what runs builds of it. */
  async function importOf(template: string) {
    const source = coderd.upload(await packFiles({ "main.tf": template }));
    const { ms, records } = await time({
      source,
      type: { case: "templateImport", value: { metadata: METADATA } },
    });
    const { type } = records[0]!.completed!;
    const prepared = type.case === "templateImport" ? type.value.prepared : undefined;
    return { ms, prepared, ...builds(template, source, prepared) };
  }

  function builds(
    template: string,
    source: ReturnType<typeof coderd.upload>,
    prepared: PreparedVersion | undefined,
  ) {
    const job = {
      source,
      type: { case: "workspaceBuild" as const, value: { metadata: METADATA, prepared } },
    };
    return {
      template,
      build: async (count = 1) => (await time(...Array.from({ length: count }, () => job))).ms,
    };
  }

  /** Builds of a template that another fleet has imported. */
  async function buildsOf(template: string, prepared: PreparedVersion | undefined) {
    return builds(template, coderd.upload(await packFiles({ "main.tf": template })), prepared);
  }
  return { folder, archives: coderd.archives, importOf, buildsOf };
}
