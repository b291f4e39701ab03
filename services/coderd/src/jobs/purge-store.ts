import type { Clock } from "@fleet/base";
import { deleteUnusedArchives } from "../archives/store.js";
import type { Database } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { CHANGES_KEPT_MS } from "../grants/store.js";
import { deleteUnusedApps } from "../oauth2/store.js";

const DAY_MS = 24 * 3_600_000;

/** How long what operators decide about is kept, in milliseconds; 0 for ever. */
export type Retention = {
  auditLogs: number;
  connectionLogs: number;
  /** Expired keys: kept so that users can still be told when they expired. */
  apiKeys: number;
  /** Logs of agents replaced by a later build. */
  agentLogs: number;
};

/** The other retention periods. Job logs are kept with their builds. */
export const KEPT_MS = {
  /** Reports of agents and proxies that are part of usage_days, and those that are not yet. */
  countedStats: DAY_MS,
  agentStats: 180 * DAY_MS,
  appStats: 180 * DAY_MS,
  /** As long as insights can look back. */
  usageDays: 3 * 366 * DAY_MS,
  /** Replicas that exited without deregistering. */
  replicas: DAY_MS,
  accessChanges: CHANGES_KEPT_MS,
  /** Archives that no version refers to. Longer than an import may take from its offer to its result. */
  archives: DAY_MS,
  plans: 7 * DAY_MS,
  inbox: 180 * DAY_MS,
  /** Sent messages, during which time a repeat of one is recognized. */
  sentDeliveries: DAY_MS,
  /** Messages that could not be delivered, and those that wait, for example while notifications are paused. */
  otherDeliveries: 30 * DAY_MS,
  /** What users granted to OAuth2 apps, after the last token of it expired. */
  oauth2Grants: DAY_MS,
  /** OAuth2 apps that registered themselves: those that no user authorized, and those that nobody uses any more. */
  pendingApps: DAY_MS,
  unusedApps: 90 * DAY_MS,
} as const;

/** Rows per statement, so that none holds its locks for long, and statements per run. */
const BATCH = 10_000;
const ROUNDS = 20;
/** Agents per statement when deleting logs: each may have 1 MiB. */
const AGENT_BATCH = 100;

/** Archives per statement: each may have hundreds of MiB. */
const ARCHIVE_BATCH = 5;

/** Tables whose rows are deleted by age, with the column that the age counts from. */
const BY_AGE = [
  { table: "workspace_agent_stats", column: "created_at", keptMs: KEPT_MS.agentStats },
  { table: "workspace_app_stats", column: "ended_at", keptMs: KEPT_MS.appStats },
  { table: "access_changes", column: "at", keptMs: KEPT_MS.accessChanges },
  // Those that never had a job; the others are deleted with it.
  { table: "workspace_plans", column: "created_at", keptMs: KEPT_MS.plans },
  { table: "oauth2_provider_grants", column: "expires_at", keptMs: KEPT_MS.oauth2Grants },
  { table: "inbox_notifications", column: "created_at", keptMs: KEPT_MS.inbox },
  { table: "replicas", column: "beat_at", keptMs: KEPT_MS.replicas },
  { table: "proxy_replicas", column: "seen_at", keptMs: KEPT_MS.replicas },
] as const;

/** The same for those that operators decide about. */
const BY_RETENTION = [
  { table: "audit_logs", column: "time", kept: "auditLogs" },
  { table: "connection_logs", column: "connected_at", kept: "connectionLogs" },
  { table: "api_keys", column: "expires_at", kept: "apiKeys" },
] as const;

export type PurgeOptions = {
  db: Database;
  clock: Clock;
  /** Terraform states kept for each workspace: those of its latest builds, and as many replaced ones of each build. */
  statesKept: number;
  retention: Retention;
};

/** Deletes rows past their retention period. The next run deletes what one run leaves. */
export async function purge({ db, clock, statesKept, retention }: PurgeOptions): Promise<void> {
  const before = (keptMs: number) => new Date(clock.now().getTime() - keptMs);
  await inBatches(
    BATCH,
    () => db.$executeRaw`
    DELETE FROM provisioner_jobs WHERE id IN (
      SELECT p.job_id FROM workspace_plans p JOIN provisioner_jobs j ON j.id = p.job_id
      WHERE p.created_at < ${before(KEPT_MS.plans)} AND j.completed_at IS NOT NULL LIMIT ${BATCH})`,
  );
  const byRetention = BY_RETENTION.map(({ kept, ...rows }) => ({ ...rows, keptMs: retention[kept] }));
  for (const { table, column, keptMs } of [...BY_AGE, ...byRetention.filter(({ keptMs }) => keptMs > 0)]) {
    const [rows, age] = [Prisma.raw(table), Prisma.raw(column)];
    await inBatches(
      BATCH,
      () => db.$executeRaw`
      DELETE FROM ${rows} WHERE id IN (SELECT id FROM ${rows} WHERE ${age} < ${before(keptMs)} LIMIT ${BATCH})`,
    );
  }
  await inBatches(
    BATCH,
    () => db.$executeRaw`
    DELETE FROM deliveries WHERE id IN (
      SELECT id FROM deliveries WHERE (state = 'sent' AND created_at < ${before(KEPT_MS.sentDeliveries)})
        OR created_at < ${before(KEPT_MS.otherDeliveries)} LIMIT ${BATCH})`,
  );
  await inBatches(BATCH, () =>
    deleteUnusedApps(db, {
      pendingBefore: before(KEPT_MS.pendingApps),
      unusedBefore: before(KEPT_MS.unusedApps),
      limit: BATCH,
    }),
  );
  const counted = before(KEPT_MS.countedStats);
  await inBatches(
    BATCH,
    () => db.$executeRaw`
    DELETE FROM workspace_agent_stats WHERE id IN (
      SELECT id FROM workspace_agent_stats WHERE counted AND created_at < ${counted} LIMIT ${BATCH})`,
  );
  await inBatches(
    BATCH,
    () => db.$executeRaw`
    DELETE FROM workspace_app_stats WHERE id IN (
      SELECT id FROM workspace_app_stats WHERE counted_until >= ended_at AND ended_at < ${counted} LIMIT ${BATCH})`,
  );
  await inBatches(
    BATCH,
    () => db.$executeRaw`
    DELETE FROM usage_days WHERE ctid = ANY(ARRAY(
      SELECT ctid FROM usage_days WHERE day < ${before(KEPT_MS.usageDays)}::date LIMIT ${BATCH}))`,
  );
  await db.$executeRaw`DELETE FROM password_resets WHERE expires_at < ${before(0)}`;
  if (retention.agentLogs > 0) await purgeAgentLogs(db, before(retention.agentLogs));
  await purgeStates(db, statesKept);
  await inBatches(ARCHIVE_BATCH, () => deleteUnusedArchives(db, before(KEPT_MS.archives), ARCHIVE_BATCH));
}

/** Deletes the logs of replaced agents that were last connected before this moment. */
async function purgeAgentLogs(db: Database, before: Date): Promise<void> {
  await inBatches(
    1,
    () => db.$executeRaw`
    DELETE FROM workspace_agent_logs WHERE agent_id IN (
      SELECT a.id FROM workspace_agents a
      JOIN workspace_resources r ON r.id = a.resource_id
      JOIN workspace_builds b ON b.job_id = r.job_id
      JOIN workspaces w ON w.id = b.workspace_id
      WHERE (w.deleted OR b.id <> w.latest_build_id)
        AND coalesce(a.last_connected_at, a.created_at) < ${before}
        AND EXISTS (SELECT 1 FROM workspace_agent_logs l WHERE l.agent_id = a.id)
      LIMIT ${AGENT_BATCH})`,
  );
}

/** The newest state of a workspace is never deleted: its next build starts from it. */
async function purgeStates(db: Database, kept: number): Promise<void> {
  await inBatches(
    BATCH,
    () => db.$executeRaw`
    DELETE FROM workspace_build_states WHERE build_id IN (
      SELECT x.build_id FROM (
        SELECT s.build_id, row_number() OVER (PARTITION BY b.workspace_id ORDER BY b.build_number DESC) AS n
        FROM workspace_build_states s JOIN workspace_builds b ON b.id = s.build_id
      ) x WHERE x.n > ${kept} LIMIT ${BATCH})`,
  );
  await inBatches(
    BATCH,
    () => db.$executeRaw`
    DELETE FROM workspace_build_state_versions v USING (
      SELECT x.build_id, x.version FROM (
        SELECT o.build_id, o.version, row_number() OVER (PARTITION BY o.build_id ORDER BY o.version DESC) AS n
        FROM workspace_build_state_versions o
      ) x LEFT JOIN workspace_build_states s ON s.build_id = x.build_id
      WHERE x.n > ${kept} OR s.build_id IS NULL LIMIT ${BATCH}
    ) old WHERE v.build_id = old.build_id AND v.version = old.version`,
  );
}

/** Repeats the statement while it deletes a full batch, for a bounded number of rounds. */
async function inBatches(full: number, work: () => Promise<number>): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) if ((await work()) < full) return;
}
