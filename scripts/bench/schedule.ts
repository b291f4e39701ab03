import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCloser, nullLogger } from "@fleet/base";
import { startPostgres, startRedis } from "@fleet/embedded";
import { createClient } from "@fleet/sdk";
import pg from "pg";
import { type Coderd, createCoderd } from "../../services/coderd/src/coderd.js";
import { settings } from "../../services/coderd/src/config.js";
import { runLifecycle } from "../../services/coderd/src/workspaces/lifecycle.js";
import { median, report, round } from "./report.js";

/**
 * One tick of the schedules over 10,000 workspaces, each with an autostart: with nothing due; when autostart comes for all
 * of them while they run, as at nine in the morning; and with stops due. Two replicas look at the same moment.
 */
const WORKSPACES = 10_000;
const STOPS = 500;
const ROUNDS = 5;
/** Workspaces per statement, as in the lifecycle. */
const BATCH = 1_000;
const DAY_MS = 24 * 3_600_000;

/** Statements that ticks send to Postgres, those of a transaction's begin and end left out. */
let statements = 0;
const ticking = new AsyncLocalStorage<true>();
const { query } = pg.Client.prototype;
pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
  const [first] = args;
  const text = typeof first === "string" ? first : ((first as { text?: string } | undefined)?.text ?? "");
  if (!/^\s*(begin|commit|rollback|set)\b/i.test(text) && ticking.getStore()) statements++;
  return (query as (...args: unknown[]) => unknown).apply(this, args);
} as typeof query;

const NINE = Date.UTC(2027, 5, 1, 9);
const at = (ms: number) => ({ now: () => new Date(ms) });

/** 10,000 running workspaces that start each day at nine and stop ten hours after. */
async function seed(database: pg.Client): Promise<void> {
  const [job, version, template, file] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  const { rows } = await database.query(
    "SELECT u.id AS owner, o.id AS organization FROM users u, organizations o WHERE o.is_default AND u.username = 'owner'",
  );
  const { owner, organization } = rows[0];
  const values = { job, version, template, file, owner, organization };
  const fill = (sql: string) =>
    database.query(sql.replaceAll(/:(\w+)/g, (_, name) => `'${values[name as keyof typeof values]}'::uuid`));
  await fill(
    `INSERT INTO files (id, hash, mimetype, data, created_by) VALUES (:file, 'bench', 'application/x-tar', '', :owner)`,
  );
  const JOB = `INSERT INTO provisioner_jobs (id, organization_id, initiator_id, type, provisioner, file_id, input, tags, queue,
    priority, created_at, updated_at, started_at, completed_at)`;
  await fill(`${JOB} VALUES (:job, :organization, :owner, 'template_version_import', 'echo', :file, '{}',
    '{"owner": "", "scope": "organization"}', 'bench', 0, now(), now(), now(), now())`);
  await fill(
    `INSERT INTO template_versions (id, organization_id, name, job_id, created_by) VALUES (:version, :organization, 'v1', :job, :owner)`,
  );
  await fill(`INSERT INTO templates (id, organization_id, name, provisioner, active_version_id, created_by)
    VALUES (:template, :organization, 'bench', 'echo', :version, :owner)`);
  await fill("UPDATE template_versions SET template_id = :template WHERE id = :version");
  await fill(`INSERT INTO workspaces (id, owner_id, organization_id, template_id, name, ttl_ms)
    SELECT gen_random_uuid(), :owner, :organization, :template, 'w' || n, 36000000 FROM generate_series(1, ${WORKSPACES}) n`);
  await fill(
    `CREATE TEMPORARY TABLE made AS SELECT id AS workspace, gen_random_uuid() AS build, gen_random_uuid() AS job FROM workspaces`,
  );
  await fill(`${JOB} SELECT job, :organization, :owner, 'workspace_build', 'echo', :file, '{}',
    '{"owner": "", "scope": "organization"}', 'bench', 0, now(), now(), now(), now() FROM made`);
  await fill(`INSERT INTO workspace_builds (id, workspace_id, build_number, transition, template_version_id, job_id, initiator_id)
    SELECT build, workspace, 1, 'start', :version, job, :owner FROM made`);
  await database.query(
    "UPDATE workspaces w SET latest_build_id = m.build FROM made m WHERE m.workspace = w.id",
  );
  await database.query("ANALYZE");
}

/** Schedules in time zones all over the world that come at the same moment. */
function schedules(): string[] {
  return Intl.supportedValuesOf("timeZone").map((timeZone) => {
    const format = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" });
    const [hour, minute] = format.format(NINE).split(":").map(Number);
    return `CRON_TZ=${timeZone} ${minute} ${hour} * * *`;
  });
}

/** The schedules as on a day: autostart comes at nine, the deadlines ten hours after. */
async function reset(database: pg.Client, deadline = new Date(NINE + 36_000_000)): Promise<void> {
  await database.query(
    `UPDATE workspaces SET next_start_at = $1,
      autostart_schedule = ($2::text[])[1 + abs(hashtext(name)) % cardinality($2::text[])]`,
    [new Date(NINE), schedules()],
  );
  await database.query("UPDATE workspace_builds SET deadline = $1 WHERE build_number = 1", [deadline]);
}

async function tick({ domain }: Coderd, ms: number): Promise<{ ms: number; steps: number }> {
  const { lifecycleStore: store, builds, audit, notifier } = domain;
  const begun = performance.now();
  const clock = at(ms) as never;
  const steps = await ticking.run(true, () =>
    runLifecycle({ store, builds, audit, notifier, clock, logger: nullLogger }),
  );
  return { ms: performance.now() - begun, steps: steps.length };
}

async function main(): Promise<void> {
  const closer = createCloser();
  try {
    const folder = await mkdtemp(join(tmpdir(), "bench-schedule-"));
    // Postgres may run as another user, which needs access through this folder.
    await chmod(folder, 0o755);
    closer.add(() => rm(folder, { recursive: true, force: true }));
    const postgres = await startPostgres({ dataDir: join(folder, "pg"), logger: nullLogger });
    closer.add(() => postgres.close());
    const redis = await startRedis({ dir: join(folder, "redis"), logger: nullLogger });
    closer.add(() => redis.close());
    const config = settings.read({
      CODER_PG_CONNECTION_URL: postgres.url,
      CODER_REDIS_URL: redis.url,
      CODER_HTTP_ADDRESS: "127.0.0.1:0",
      CODER_GRPC_ADDRESS: "127.0.0.1:0",
      CODER_PROVISIONER_DAEMON_PSK: "bench",
      CODER_MIGRATIONS_DIR: "services/coderd/prisma/migrations",
      CODER_AUTOBUILD_POLL_INTERVAL: "24h",
    });
    const replicas: Coderd[] = [];
    for (let count = 0; count < 2; count++) {
      const coderd = await createCoderd({ config, logger: nullLogger });
      closer.add(() => coderd.close());
      replicas.push(coderd);
    }
    const [one, other] = replicas as [Coderd, Coderd];
    const owner = { email: "owner@example.com", username: "owner", password: "SomeSecurePassword!" };
    await createClient({ baseUrl: one.httpUrl }).userFirstCreate({ body: owner });
    const database = new pg.Client({ connectionString: postgres.url });
    await database.connect();
    closer.add(() => database.end());
    await seed(database);
    await measure(one, other, database);
  } finally {
    await closer.close();
  }
}

async function measure(one: Coderd, other: Coderd, database: pg.Client): Promise<void> {
  const idle: number[] = [];
  const passes: number[] = [];
  const perBatch: number[] = [];
  let doubled = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    await reset(database);
    const nothing = await tick(one, NINE - 60_000);
    const before = statements;
    const morning = await tick(one, NINE + 1_000);
    // The first round only warms up.
    if (round === 0) continue;
    idle.push(nothing.ms);
    passes.push(morning.ms);
    perBatch.push((statements - before) / (WORKSPACES / BATCH));
    await expectNext(database);
  }
  await reset(database);
  await Promise.all([tick(one, NINE + 1_000), tick(other, NINE + 1_000)]);
  await expectNext(database);

  await reset(database);
  await database.query(
    `UPDATE workspace_builds SET deadline = $1 WHERE id IN (SELECT id FROM workspace_builds ORDER BY id LIMIT ${STOPS})`,
    [new Date(NINE - DAY_MS)],
  );
  const begun = performance.now();
  const stops = await Promise.all([tick(one, NINE - 60_000), tick(other, NINE - 60_000)]);
  const seconds = (performance.now() - begun) / 1_000;
  const { rows } = await database.query(
    "SELECT count(*)::int AS builds, count(DISTINCT workspace_id)::int AS workspaces FROM workspace_builds WHERE build_number > 1",
  );
  doubled += rows[0].builds - rows[0].workspaces + (stops[0]!.steps + stops[1]!.steps - rows[0].builds);
  report({
    bench: "schedule",
    table: [
      [`one tick, ${WORKSPACES} workspaces`, "ms, median", "most"],
      ["nothing due", String(round(median(idle), 0)), String(round(Math.max(...idle), 0))],
      ["all start at nine, and run", String(round(median(passes), 0)), String(round(Math.max(...passes), 0))],
      [`${STOPS} stops, two replicas`, String(round(seconds * 1_000, 0)), ""],
    ],
    results: {
      idle_tick_ms: round(median(idle), 1),
      tick_ms: round(median(passes), 1),
      statements_per_batch: round(Math.max(...perBatch), 2),
      builds_created_per_s: round(rows[0].builds / seconds, 1),
      builds_missing: STOPS - rows[0].workspaces,
      builds_doubled: doubled,
    },
    goals: {
      tick_ms: { op: "<=", value: 1_000 },
      statements_per_batch: { op: "<=", value: 3 },
      builds_missing: { op: "<=", value: 0 },
      builds_doubled: { op: "<=", value: 0 },
    },
    notes: [
      `Medians of ${ROUNDS} ticks, on one replica with a Postgres of its own; a batch is ${BATCH} workspaces.`,
      "A build that is due is created in a transaction of its own, with its checks, audit entry and job: that is no part of the tick's goal.",
    ],
  });
}

/** Each autostart was passed on to the next day, and its run goes on until ten hours after. */
async function expectNext(database: pg.Client): Promise<void> {
  const { rows } = await database.query(
    `SELECT count(*)::int AS count FROM workspaces w JOIN workspace_builds b ON b.id = w.latest_build_id
      WHERE w.next_start_at > $1::timestamptz - interval '2 hours' AND b.deadline = $2`,
    [new Date(NINE + DAY_MS), new Date(NINE + 36_000_000)],
  );
  if (rows[0].count !== WORKSPACES) throw new Error(`Only ${rows[0].count} autostarts were passed on.`);
}

await main();
