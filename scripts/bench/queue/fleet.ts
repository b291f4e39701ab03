import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { nullLogger } from "@fleet/base";
import { echoTemplate, TAR_MIMETYPE } from "@fleet/provisionersdk";
import { createClient } from "@fleet/sdk";
import { Redis } from "ioredis";
import pg from "pg";
import { type Coderd, createCoderd } from "../../../services/coderd/src/coderd.js";
import { settings } from "../../../services/coderd/src/config.js";
import type { PendingJob } from "../../../services/coderd/src/provisionerjobs/queue.js";

const PSK = "bench";
const PASSWORD = "SomeSecurePassword!";
const POLL_MS = 20;
/** Answered from the two partial indexes on jobs, whatever the table's size. */
const UNDONE = `SELECT EXISTS (SELECT 1 FROM provisioner_jobs WHERE started_at IS NULL AND completed_at IS NULL)
  OR EXISTS (SELECT 1 FROM provisioner_jobs WHERE started_at IS NOT NULL AND completed_at IS NULL) AS undone`;

export type Fleet = {
  /** Commits and queues the jobs, waits until daemons have run them all, and returns jobs per second. */
  run(jobs: number): Promise<number>;
  readonly daemonPids: readonly number[];
  /** One job on an idle fleet: milliseconds from its commit to a daemon's claim. */
  dispatch(): Promise<number>;
  close(): Promise<void>;
};

export type FleetOptions = {
  postgresUrl: string;
  redisUrl: string;
  /** Holds the daemons' caches. */
  folder: string;
  /** Number of daemon processes, and concurrent jobs in each. */
  processes: number;
  slots: number;
};

type Job = Parameters<Coderd["domain"]["jobs"]["enqueue"]>[0];

/** A real coderd in this process, and real provisioner daemons in separate processes, which run echo templates. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const config = settings.read({
    CODER_PG_CONNECTION_URL: options.postgresUrl,
    CODER_REDIS_URL: options.redisUrl,
    CODER_HTTP_ADDRESS: "127.0.0.1:0",
    CODER_GRPC_ADDRESS: "127.0.0.1:0",
    CODER_PROVISIONER_DAEMON_PSK: PSK,
    CODER_MIGRATIONS_DIR: "services/coderd/prisma/migrations",
  });
  const coderd = await createCoderd({ config, logger: nullLogger });
  const daemons = Array.from({ length: options.processes }, (_, i) => startDaemon(coderd, options, i));
  const { domain } = coderd;
  const subscriber = new Redis(options.redisUrl);
  const database = new pg.Client({ connectionString: options.postgresUrl });
  await database.connect();
  const job = await dryRunOf(coderd);

  async function commit(): Promise<PendingJob> {
    return domain.jobs.enqueue(job);
  }

  /** Resolves when no job is pending or running. Polls often enough to be accurate to a few hundredths of a second. */
  async function untilDone(): Promise<void> {
    for (;;) {
      const { rows } = await database.query(UNDONE);
      if (!rows[0].undone) return;
      await setTimeout(POLL_MS);
    }
  }

  return {
    daemonPids: daemons.map(({ pid }) => pid!),
    async run(jobs) {
      const started = performance.now();
      await Promise.all(Array.from({ length: jobs }, async () => domain.jobs.announce(await commit())));
      await untilDone();
      return jobs / ((performance.now() - started) / 1000);
    },
    async dispatch() {
      const pending = await commit();
      const committed = performance.now();
      const channel = `${config.CODER_REDIS_PREFIX}:job:${pending.id}`;
      const claimed = once(subscriber, "message");
      await subscriber.subscribe(channel);
      domain.jobs.announce(pending);
      await claimed;
      const ms = performance.now() - committed;
      await subscriber.unsubscribe(channel);
      await untilDone();
      return ms;
    },
    async close() {
      for (const daemon of daemons) daemon.kill();
      subscriber.disconnect();
      await database.end();
      await coderd.close();
    },
  };
}

function startDaemon(coderd: Coderd, { redisUrl, folder, slots }: FleetOptions, index: number): ChildProcess {
  return spawn(process.execPath, ["dist/provisionerd.js"], {
    stdio: ["ignore", "ignore", "ignore"],
    env: {
      PATH: process.env.PATH,
      CODER_PROVISIONERD_CODERD_ADDRESS: coderd.grpcAddress,
      CODER_PROVISIONER_DAEMON_PSK: PSK,
      CODER_PROVISIONER_DAEMON_NAME: `bench-${index}`,
      CODER_PROVISIONER_TYPES: "echo",
      CODER_PROVISIONER_SLOTS: String(slots),
      CODER_REDIS_URL: redisUrl,
      CODER_CACHE_DIRECTORY: join(folder, `cache-${index}`),
    },
  });
}

/** Sets up the deployment through its API, and returns a dry run of an empty echo template. */
async function dryRunOf(coderd: Coderd): Promise<Job> {
  const email = "bench@example.com";
  const anonymous = createClient({ baseUrl: coderd.httpUrl });
  const { user_id: initiatorId, organization_id: organizationId } = await anonymous.userFirstCreate({
    body: { email, username: "bench", password: PASSWORD },
  });
  const { session_token: token } = await anonymous.login({ body: { email, password: PASSWORD } });
  const client = createClient({ baseUrl: coderd.httpUrl, token });
  const { hash: fileId } = await client.fileUpload({
    body: new Uint8Array(await echoTemplate({})),
    contentType: TAR_MIMETYPE,
  });
  const version = await client.templateVersionCreate({
    params: { organization: organizationId },
    body: { file_id: fileId, provisioner: "echo" },
  });
  for (;;) {
    const { job } = await client.templateVersionGet({ params: { version: version.id } });
    if (job.status === "failed") throw new Error(`Failed to import the template: ${job.error}`);
    if (job.status === "succeeded") break;
    await setTimeout(POLL_MS);
  }
  return {
    organizationId,
    initiatorId,
    fileId,
    type: "template_version_dry_run",
    provisioner: "echo",
    input: { template_version_id: version.id, workspace_name: "bench" },
    tags: version.job.tags,
    priority: 10,
  };
}
