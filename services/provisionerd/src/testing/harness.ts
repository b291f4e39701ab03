import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCloser, systemClock, VERSION } from "@fleet/base";
import { createEchoProvisioner, type Provisioner } from "@fleet/provisionersdk";
import { createTestLogger, createTestRedis } from "@fleet/testkit";
import { createCoderdClient } from "../coderd-client.js";
import { createDaemon } from "../daemon.js";
import { createFileCache } from "../files.js";
import { openJournal } from "../journal.js";
import { createRedisSource } from "../source/redis.js";
import { createRemoteSource } from "../source/remote.js";
import type { Warning } from "../warnings.js";
import { createTestCoderd, type TestCoderdOptions } from "./coderd.js";

export type HarnessOptions = Partial<TestCoderdOptions> & {
  slots?: number;
  /** Takes jobs from coderd instead of the queue. */
  external?: boolean;
  evaluationSlots?: number;
  provisioners?: Provisioner[];
  daemonPsk?: string;
  warnings?: () => Warning[];
};

/** A real daemon with real Redis and the test coderd; all stopped by `await using`. */
export async function createHarness(options: HarnessOptions = {}) {
  const closer = createCloser();
  const redis = options.redisUrl ? undefined : await createTestRedis();
  if (redis) closer.add(async () => redis[Symbol.asyncDispose]());
  const redisUrl = options.redisUrl ?? redis!.url;
  const prefix = options.prefix ?? redis?.prefix ?? "test";
  const coderd = await createTestCoderd({ ...options, redisUrl, prefix });
  closer.add(() => coderd[Symbol.asyncDispose]());
  const cache = await mkdtemp(join(tmpdir(), "fleet-provisionerd-"));
  closer.add(() => rm(cache, { recursive: true, force: true }));

  const clock = systemClock;
  const logger = createTestLogger();
  const client = createCoderdClient({
    address: coderd.address,
    credential: { psk: options.daemonPsk ?? options.psk ?? "psk" },
  });
  closer.add(() => client.close());
  const daemonId = randomUUID();
  const source = options.external
    ? createRemoteSource({ client, daemonId, clock, logger })
    : createRedisSource({ url: redisUrl, prefix, clock, logger });
  closer.add(() => source.close());
  const ended: { provisioner: string; outcome: string }[] = [];
  const daemon = createDaemon({
    client,
    source,
    provisioners: options.provisioners ?? [createEchoProvisioner({ clock })],
    journal: await openJournal({ directory: join(cache, "journal"), daemonId, clock, logger }),
    files: await createFileCache({ client, directory: join(cache, "files"), clock }),
    identity: {
      daemonId,
      name: "test",
      version: VERSION,
      tags: {},
      slots: options.slots ?? 2,
      organization: "",
    },
    evaluationSlots: options.evaluationSlots ?? 2,
    warnings: options.warnings ?? (() => []),
    instruments: {
      jobStarted() {},
      jobEnded: (provisioner, outcome) => void ended.push({ provisioner, outcome }),
    },
    clock,
    logger,
  });
  closer.add(async () => {
    daemon.cancel();
    await daemon.done.catch(() => {});
  });
  return { coderd, daemon, source, ended, cache, [Symbol.asyncDispose]: () => closer.close() };
}
