import { randomUUID } from "node:crypto";
import { type Database, inTransaction, type Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { statusCondition } from "../provisionerjobs/predicates.js";
import { EXTERNAL_AGENT } from "../resources/types.js";
import { activeVersionOf, inShare } from "./predicates.js";
import type { Outcomes, RolloutStatus } from "./status.js";

/** A rollout with the names that are shown with it. */
export type RolloutRow = {
  id: string;
  templateId: string;
  formerVersionId: string;
  formerVersionName: string;
  versionId: string;
  versionName: string;
  initiatorId: string;
  initiatorName: string;
  status: RolloutStatus;
  reason: string;
  steps: number[];
  step: number;
  pauseMs: number;
  maxFailurePercent: number;
  minSamples: number;
  stepStartedAt: Date;
  countedFrom: Date;
  createdAt: Date;
  endedAt: Date | null;
};

export type NewRollout = Pick<
  RolloutRow,
  | "templateId"
  | "formerVersionId"
  | "versionId"
  | "initiatorId"
  | "steps"
  | "pauseMs"
  | "maxFailurePercent"
  | "minSamples"
>;

export type RolloutChange = Partial<
  Pick<RolloutRow, "status" | "reason" | "step" | "stepStartedAt" | "countedFrom" | "endedAt">
>;

/** What a version to roll out has to be. */
export type RolloutVersion = { id: string; name: string; archived: boolean; imported: boolean };

export type FailedWorkspace = {
  workspaceId: string;
  workspaceName: string;
  ownerName: string;
  buildId: string;
  failure: "build" | "agent" | "script";
  error: string;
};

/** Stores rollouts. */
export type RolloutStore = {
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * Locks the template's row, under which alone its rollouts, its active version and the archiving of its versions
   * change. Undefined if it does not exist or is deleted.
   */
  lockTemplate(tx: Transaction, id: string): Promise<{ activeVersionId: string } | undefined>;
  /** Undefined if the template has no such version. */
  version(tx: Transaction, templateId: string, id: string): Promise<RolloutVersion | undefined>;
  /** Returns its id. */
  insert(tx: Transaction, rollout: NewRollout, now: Date): Promise<string>;
  /** Undefined if the template has no such rollout. */
  find(tx: Pick<Transaction, "$queryRaw">, templateId: string, id: string): Promise<RolloutRow | undefined>;
  /** The template's rollout that has not ended. */
  open(tx: Pick<Transaction, "$queryRaw">, templateId: string): Promise<RolloutRow | undefined>;
  /** The template's rollouts, latest first. */
  list(templateId: string, limit: number): Promise<RolloutRow[]>;
  /** Those that coderd has to look at, of all templates. */
  going(): Promise<{ id: string; templateId: string }[]>;
  update(tx: Transaction, id: string, change: RolloutChange): Promise<void>;
  setActiveVersion(tx: Transaction, templateId: string, versionId: string): Promise<void>;
  /**
   * Ends the template's rollout, if there is one, because of something else that happens to the template. A rollout of
   * the promoted version has finished.
   */
  endBy(templateId: string, reason: string, promotedVersionId: string | null, now: Date): Promise<void>;
  /** Number of the template's workspaces, and of those in the rollout's share. */
  share(tx: Pick<Transaction, "$queryRaw">, id: string): Promise<{ workspaces: number; share: number }>;
  /** How the workspaces fare that took the rollout's version since it counts. */
  outcomes(tx: Pick<Transaction, "$queryRaw">, rollout: RolloutRow, now: Date): Promise<Outcomes>;
  /** Those that failed, latest first. */
  failures(rollout: RolloutRow, now: Date, limit: number): Promise<FailedWorkspace[]>;
  /**
   * The id of a new workspace, and the version that is active for it. With a version that a rollout of the template is
   * about, an id for which that version is active.
   */
  newWorkspace(
    template: { id: string; activeVersionId: string },
    versionId: string | undefined,
  ): Promise<{ id: string; activeVersionId: string }>;
};

/** An agent without a connection timeout counts as failed after this long. */
const CONNECT_LIMIT_SECONDS = 600;
/** A connected agent whose start scripts run for this long counts as started. */
const SCRIPTS_LIMIT_MS = 10 * 60_000;
/** Ids that a new workspace's is chosen from: with a share of one percent, none of them fits once in 20,000 times. */
const CANDIDATES = 1_000;

const COLUMNS = Prisma.sql`
  ro.id, ro.template_id AS "templateId", ro.former_version_id AS "formerVersionId", f.name AS "formerVersionName",
  ro.version_id AS "versionId", v.name AS "versionName", ro.initiator_id AS "initiatorId", u.username AS "initiatorName",
  ro.status, ro.reason, ro.steps, ro.step, ro.pause_ms::float8 AS "pauseMs",
  ro.max_failure_percent AS "maxFailurePercent", ro.min_samples AS "minSamples", ro.step_started_at AS "stepStartedAt",
  ro.counted_from AS "countedFrom", ro.created_at AS "createdAt", ro.ended_at AS "endedAt"`;
const TABLES = Prisma.sql`template_rollouts ro
  JOIN template_versions v ON v.id = ro.version_id
  JOIN template_versions f ON f.id = ro.former_version_id
  JOIN users u ON u.id = ro.initiator_id`;

/**
 * How each workspace fared that took the version: its latest build that is decided, or else its latest. Of the agents
 * of a build, the worst counts. What was stopped or canceled before it was decided does not count.
 */
function taken({ versionId, countedFrom }: RolloutRow, now: Date): Prisma.Sql {
  const settled = new Date(now.getTime() - SCRIPTS_LIMIT_MS);
  return Prisma.sql`
    SELECT DISTINCT ON (x.workspace_id) x.* FROM (
      SELECT b.workspace_id, b.id AS build_id, b.build_number, b.created_at, COALESCE(j.error, '') AS error, CASE
        WHEN ${statusCondition("failed")} THEN 'build'
        WHEN ${statusCondition("canceled")} THEN NULL
        WHEN ${statusCondition("succeeded")} THEN (
          SELECT CASE WHEN bool_or(s.script) THEN 'script' WHEN bool_or(s.agent) THEN 'agent'
            WHEN bool_or(s.abandoned) THEN NULL WHEN bool_or(s.undecided) THEN 'undecided' ELSE 'succeeded' END
          FROM (SELECT
              a.lifecycle_state IN ('start_error', 'start_timeout') OR EXISTS (
                SELECT 1 FROM workspace_agent_scripts c JOIN workspace_agent_script_timings i ON i.script_id = c.id
                WHERE c.agent_id = a.id AND i.stage = 'start' AND i.status IN ('exit_failure', 'timed_out')) AS script,
              a.first_connected_at IS NULL AND COALESCE(a.disconnected_at, ${now}) > a.created_at + interval '1 second'
                * COALESCE(NULLIF(a.connection_timeout_seconds, 0), ${CONNECT_LIMIT_SECONDS}) AS agent,
              a.first_connected_at IS NULL AND a.disconnected_at IS NOT NULL AS abandoned,
              a.first_connected_at IS NULL
                OR (a.lifecycle_state IN ('created', 'starting') AND a.first_connected_at > ${settled}) AS undecided
            FROM workspace_resources r JOIN workspace_agents a ON a.resource_id = r.id
            WHERE r.job_id = b.job_id AND a.parent_id IS NULL AND r.type <> ${EXTERNAL_AGENT}) s)
        ELSE 'undecided' END AS outcome
      FROM workspace_builds b JOIN provisioner_jobs j ON j.id = b.job_id
      WHERE b.template_version_id = ${versionId}::uuid AND b.transition = 'start' AND b.created_at >= ${countedFrom}
    ) x
    WHERE x.outcome IS NOT NULL
    ORDER BY x.workspace_id, (x.outcome = 'undecided'), x.build_number DESC`;
}

export function createRolloutStore(db: Database): RolloutStore {
  async function select(
    tx: Pick<Transaction, "$queryRaw">,
    where: Prisma.Sql,
    tail = Prisma.empty,
  ): Promise<RolloutRow[]> {
    return tx.$queryRaw<RolloutRow[]>`SELECT ${COLUMNS} FROM ${TABLES} WHERE ${where} ${tail}`;
  }

  return {
    transaction: <T>(work: (tx: Transaction) => Promise<T>) => inTransaction(db, work),

    async lockTemplate(tx, id) {
      const rows = await tx.$queryRaw<{ activeVersionId: string }[]>`
        SELECT active_version_id AS "activeVersionId" FROM templates
        WHERE id = ${id}::uuid AND NOT deleted FOR NO KEY UPDATE`;
      return rows[0];
    },

    async version(tx, templateId, id) {
      const rows = await tx.$queryRaw<RolloutVersion[]>`
        SELECT v.id, v.name, v.archived, ${statusCondition("succeeded")} AS imported
        FROM template_versions v JOIN provisioner_jobs j ON j.id = v.job_id
        WHERE v.id = ${id}::uuid AND v.template_id = ${templateId}::uuid`;
      return rows[0];
    },

    async insert(tx, rollout, now) {
      const data = { ...rollout, stepStartedAt: now, countedFrom: now, createdAt: now };
      return (await tx.templateRollout.create({ data, select: { id: true } })).id;
    },

    async find(tx, templateId, id) {
      return (await select(tx, Prisma.sql`ro.id = ${id}::uuid AND ro.template_id = ${templateId}::uuid`))[0];
    },

    async open(tx, templateId) {
      return (await select(tx, Prisma.sql`ro.template_id = ${templateId}::uuid AND ro.ended_at IS NULL`))[0];
    },

    list: (templateId, limit) =>
      select(
        db,
        Prisma.sql`ro.template_id = ${templateId}::uuid`,
        Prisma.sql`ORDER BY ro.created_at DESC, ro.id LIMIT ${limit}`,
      ),

    going: () =>
      db.templateRollout.findMany({
        where: { endedAt: null, status: { in: ["running", "paused"] } },
        select: { id: true, templateId: true },
      }),

    async update(tx, id, change) {
      await tx.templateRollout.update({ where: { id }, data: change, select: { id: true } });
    },

    async setActiveVersion(tx, templateId, activeVersionId) {
      await tx.template.update({
        where: { id: templateId },
        data: { activeVersionId },
        select: { id: true },
      });
    },

    async endBy(templateId, reason, promotedVersionId, now) {
      await db.$executeRaw`
        UPDATE template_rollouts SET ended_at = ${now},
          status = CASE WHEN version_id = ${promotedVersionId}::uuid THEN 'finished' ELSE 'superseded' END,
          reason = CASE WHEN version_id = ${promotedVersionId}::uuid THEN '' ELSE ${reason} END
        WHERE template_id = ${templateId}::uuid AND ended_at IS NULL`;
    },

    async share(tx, id) {
      const rows = await tx.$queryRaw<{ workspaces: number; share: number }[]>`
        SELECT count(w.id)::int AS workspaces, (count(w.id) FILTER (WHERE ${inShare(Prisma.sql`w.id`)}))::int AS share
        FROM template_rollouts ro
        LEFT JOIN workspaces w ON w.template_id = ro.template_id AND NOT w.deleted
        WHERE ro.id = ${id}::uuid`;
      return rows[0]!;
    },

    async outcomes(tx, rollout, now) {
      const rows = await tx.$queryRaw<{ outcome: keyof Outcomes; count: number }[]>`
        SELECT y.outcome, count(*)::int AS count FROM (${taken(rollout, now)}) y GROUP BY y.outcome`;
      const counts: Outcomes = { succeeded: 0, build: 0, agent: 0, script: 0, undecided: 0 };
      for (const { outcome, count } of rows) counts[outcome] = count;
      return counts;
    },

    failures: (rollout, now, limit) =>
      db.$queryRaw<FailedWorkspace[]>`
        SELECT y.workspace_id AS "workspaceId", w.name AS "workspaceName", o.username AS "ownerName",
          y.build_id AS "buildId", y.outcome AS failure, y.error
        FROM (${taken(rollout, now)}) y JOIN workspaces w ON w.id = y.workspace_id JOIN users o ON o.id = w.owner_id
        WHERE y.outcome IN ('build', 'agent', 'script') ORDER BY y.created_at DESC LIMIT ${limit}`,

    async newWorkspace({ id: templateId, activeVersionId }, versionId) {
      const open = await db.templateRollout.count({ where: { templateId, endedAt: null } });
      if (open === 0) return { id: randomUUID(), activeVersionId };
      const ids = Array.from({ length: versionId ? CANDIDATES : 1 }, () => randomUUID());
      const rows = await db.$queryRaw<{ id: string; activeVersionId: string }[]>`
        SELECT c.id, c.active AS "activeVersionId" FROM (
          SELECT i.id, i.position, ${activeVersionOf(Prisma.sql`i.id`)} AS active
          FROM templates t CROSS JOIN unnest(${ids}::uuid[]) WITH ORDINALITY AS i(id, position)
          WHERE t.id = ${templateId}::uuid) c
        ORDER BY (c.active = ${versionId ?? null}::uuid) IS TRUE DESC, c.position LIMIT 1`;
      return rows[0]!;
    },
  };
}
