import type { ParameterValue } from "@fleet/parameters";
import { type Database, inTransaction, type Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import type { BuildTransition } from "../database/gen/enums.js";
import { JOB_STATUS } from "../provisionerjobs/predicates.js";
import type { JobStatus } from "../provisionerjobs/status.js";
import { ACTIVE_VERSION, WITHDRAWN } from "../rollouts/predicates.js";

/** A build with the names that are shown with it. */
export type BuildRow = {
  id: string;
  createdAt: Date;
  updatedAt: Date;
  workspaceId: string;
  workspaceName: string;
  ownerId: string;
  ownerName: string;
  ownerAvatarUrl: string;
  organizationId: string;
  userAcl: unknown;
  groupAcl: unknown;
  templateId: string;
  dormantAt: Date | null;
  versionId: string;
  versionName: string;
  presetId: string | null;
  buildNumber: number;
  transition: BuildTransition;
  initiatorId: string;
  initiatorName: string;
  jobId: string;
  reason: string;
  dailyCost: number;
  deadline: Date | null;
  maxDeadline: Date | null;
  /** The start that follows this stop; without one, the other `next…` fields are null. */
  nextVersionId: string | null;
  nextVersionName: string | null;
  nextBuildId: string | null;
  nextError: string | null;
  nextEndedAt: Date | null;
};

/** What decisions about a build are based on, read while the workspace's row is locked. */
export type LockedWorkspace = {
  id: string;
  name: string;
  ownerId: string;
  organizationId: string;
  userAcl: unknown;
  groupAcl: unknown;
  deleted: boolean;
  dormantAt: Date | null;
  automaticUpdates: string;
  /** The version that is active for this workspace. */
  activeVersionId: string;
  requireActiveVersion: boolean;
  /** off, ask or deny. */
  dataLossPolicy: string;
  /** Connections that start the stopped workspace: ssh, apps. */
  wakeOn: string[];
  templateId: string;
  templateUserAcl: unknown;
  templateGroupAcl: unknown;
  latestBuildId: string | null;
  latestBuildNumber: number | null;
  latestVersionId: string | null;
  /** A rollout of the latest version stopped or was aborted. */
  latestWithdrawn: boolean;
  latestPresetId: string | null;
  latestTransition: BuildTransition | null;
  /** Tags of the latest build's job. */
  latestTags: unknown;
  latestStatus: JobStatus | null;
  /** When the latest build was queued or started running. */
  latestSince: Date | null;
  latestInitiator: string | null;
  latestDeadline: Date | null;
  latestMaxDeadline: Date | null;
  latestDailyCost: number | null;
  /** The latest build was to hand the workspace, a prebuild, to its owner. */
  latestClaims: boolean;
  /** A start is waiting for the latest build, a stop, or is about to be created. */
  restarting: boolean;
  /** False if no build ever stored state, so there is nothing to destroy. */
  hasState: boolean;
  /** Some version of the template has parameters that are evaluated. */
  mayBeDynamic: boolean;
};

export type BuildVersion = {
  id: string;
  templateId: string | null;
  fileId: string;
  provisioner: string;
  tags: unknown;
  workspaceTags: Record<string, string> | null;
  completedAt: Date | null;
  error: string | null;
  archived: boolean;
  /** Its parameters and tags depend on the values: they are evaluated for each start. */
  dynamic: boolean;
  /** The external auth providers that it asks for. */
  externalAuth: { id: string; optional: boolean }[];
};

export type NewBuild = {
  id: string;
  workspaceId: string;
  buildNumber: number;
  transition: BuildTransition;
  templateVersionId: string;
  jobId: string;
  initiatorId: string;
  reason: string;
  presetId: string | null;
  logLevel: string;
  createdAt: Date;
  parameters: ParameterValue[];
  acceptsDataLoss: boolean;
  /** Of the build before it, until this one changes it. */
  dailyCost: number;
  /** Nobody requested it. */
  scheduled: boolean;
};

/** Timings of an agent's scripts. */
export type AgentTimings = Prisma.WorkspaceAgentGetPayload<{ select: typeof timingsSelect }>;

const timingsSelect = {
  id: true,
  name: true,
  createdAt: true,
  firstConnectedAt: true,
  scripts: { select: { displayName: true, timings: true } },
} satisfies Prisma.WorkspaceAgentSelect;

/** A page of a workspace's builds: `offset` counts from the first, or from the one after `afterId`. */
export type BuildPage = {
  since?: Date | undefined;
  limit: number;
  offset: number;
  afterId?: string | undefined;
};

/** Stores builds. */
export type BuildStore = {
  /** Runs the work in a transaction, which is rolled back if it throws. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Undefined if the build does not exist. */
  find(id: string): Promise<BuildRow | undefined>;
  /** Unknown ids are skipped. */
  findMany(ids: readonly string[]): Promise<BuildRow[]>;
  /** Undefined if the build does not exist. */
  findByNumber(workspaceId: string, buildNumber: number): Promise<BuildRow | undefined>;
  /** Newest first. */
  list(workspaceId: string, page: BuildPage): Promise<BuildRow[]>;
  /** Locks the workspace's row, so that a workspace's builds are created one at a time. */
  lock(tx: Transaction, workspaceId: string): Promise<LockedWorkspace | undefined>;
  /** The same without the lock: it can change at any time. */
  read(tx: Transaction, workspaceId: string): Promise<LockedWorkspace | undefined>;
  /** What a build of this version needs to know; undefined if the version does not exist. */
  version(tx: Transaction, id: string): Promise<BuildVersion | undefined>;
  /** The build's parameter values. */
  parameters(buildId: string, tx?: Pick<Transaction, "workspaceBuildParameter">): Promise<ParameterValue[]>;
  /** Inserts the build and makes it the workspace's latest. */
  insert(tx: Transaction, build: NewBuild): Promise<void>;
  /** Script timings and agent connection times. */
  agentTimings(jobId: string): Promise<AgentTimings[]>;
  /** Completes a job that needs no daemon. */
  endAtOnce(tx: Transaction, jobId: string, now: Date): Promise<void>;
  /** Marks the workspace deleted and ends its template's session. */
  markDeleted(tx: Transaction, workspaceId: string, sessionName: string): Promise<void>;
};

/** Columns of BuildRow, for build `b` and its workspace `w`. */
export const BUILD_COLUMNS = Prisma.sql`
  b.id, b.created_at AS "createdAt", b.updated_at AS "updatedAt", w.id AS "workspaceId", w.name AS "workspaceName",
  w.owner_id AS "ownerId", owner.username AS "ownerName", owner.avatar_url AS "ownerAvatarUrl",
  w.organization_id AS "organizationId", w.user_acl AS "userAcl", w.group_acl AS "groupAcl",
  w.template_id AS "templateId", w.dormant_at AS "dormantAt",
  v.id AS "versionId", v.name AS "versionName", b.preset_id AS "presetId", b.build_number AS "buildNumber",
  b.transition, b.initiator_id AS "initiatorId", initiator.username AS "initiatorName", b.job_id AS "jobId",
  b.reason, b.daily_cost AS "dailyCost", b.deadline, b.max_deadline AS "maxDeadline",
  r.template_version_id AS "nextVersionId", rv.name AS "nextVersionName", r.start_build_id AS "nextBuildId",
  r.error AS "nextError", r.ended_at AS "nextEndedAt"`;

export const BUILD_TABLES = Prisma.sql`
  workspace_builds b
  JOIN workspaces w ON w.id = b.workspace_id
  JOIN users owner ON owner.id = w.owner_id
  JOIN users initiator ON initiator.id = b.initiator_id
  JOIN template_versions v ON v.id = b.template_version_id
  LEFT JOIN workspace_restarts r ON r.stop_build_id = b.id
  LEFT JOIN template_versions rv ON rv.id = r.template_version_id`;

/** The build of job `j` hands a prebuild to its owner; upstream has the same field in its jobs. */
export const CLAIMS = Prisma.sql`(j.input ->> 'prebuilt_workspace_build_stage' = 'claim')`;

export function createBuildStore(db: Database): BuildStore {
  async function select(where: Prisma.Sql, tail: Prisma.Sql = Prisma.empty): Promise<BuildRow[]> {
    return db.$queryRaw<BuildRow[]>`SELECT ${BUILD_COLUMNS} FROM ${BUILD_TABLES} WHERE ${where} ${tail}`;
  }

  async function read(tx: Transaction, workspaceId: string): Promise<LockedWorkspace | undefined> {
    const rows = await tx.$queryRaw<LockedWorkspace[]>`
      SELECT w.id, w.name, w.owner_id AS "ownerId", w.organization_id AS "organizationId", w.deleted,
        w.user_acl AS "userAcl", w.group_acl AS "groupAcl",
        w.dormant_at AS "dormantAt", w.automatic_updates AS "automaticUpdates", t.id AS "templateId",
        ${ACTIVE_VERSION} AS "activeVersionId", t.require_active_version AS "requireActiveVersion",
        t.data_loss_policy AS "dataLossPolicy", t.wake_on AS "wakeOn",
        t.user_acl AS "templateUserAcl", t.group_acl AS "templateGroupAcl",
        b.id AS "latestBuildId", b.build_number AS "latestBuildNumber", b.template_version_id AS "latestVersionId",
        ${WITHDRAWN} IS TRUE AS "latestWithdrawn", b.preset_id AS "latestPresetId", b.transition AS "latestTransition", j.tags AS "latestTags",
        CASE WHEN j.id IS NOT NULL THEN ${JOB_STATUS} END AS "latestStatus",
        COALESCE(j.started_at, j.created_at) AS "latestSince", initiator.username AS "latestInitiator",
        b.deadline AS "latestDeadline", b.max_deadline AS "latestMaxDeadline", b.daily_cost AS "latestDailyCost",
        ${CLAIMS} IS TRUE AS "latestClaims",
        EXISTS (SELECT 1 FROM workspace_restarts r WHERE r.workspace_id = w.id AND r.ended_at IS NULL) AS restarting,
        COALESCE((SELECT length(s.state) > 0 FROM workspace_build_states s JOIN workspace_builds e ON e.id = s.build_id
          WHERE e.workspace_id = w.id ORDER BY e.build_number DESC LIMIT 1), false) AS "hasState",
        EXISTS (SELECT 1 FROM template_versions d WHERE d.template_id = t.id AND d.dynamic_parameters) AS "mayBeDynamic"
      FROM workspaces w JOIN templates t ON t.id = w.template_id
      LEFT JOIN workspace_builds b ON b.id = w.latest_build_id
      LEFT JOIN provisioner_jobs j ON j.id = b.job_id
      LEFT JOIN users initiator ON initiator.id = b.initiator_id
      WHERE w.id = ${workspaceId}::uuid`;
    return rows[0];
  }

  return {
    transaction: <T>(work: (tx: Transaction) => Promise<T>) => inTransaction(db, work),

    async find(id) {
      return (await select(Prisma.sql`b.id = ${id}::uuid`))[0];
    },

    findMany: (ids) => select(Prisma.sql`b.id = ANY(${ids}::uuid[])`),

    async findByNumber(workspaceId, buildNumber) {
      return (
        await select(Prisma.sql`b.workspace_id = ${workspaceId}::uuid AND b.build_number = ${buildNumber}`)
      )[0];
    },

    async list(workspaceId, page) {
      const conditions = [Prisma.sql`b.workspace_id = ${workspaceId}::uuid`];
      if (page.since) conditions.push(Prisma.sql`b.created_at > ${page.since}`);
      if (page.afterId) {
        conditions.push(
          Prisma.sql`b.build_number < (SELECT build_number FROM workspace_builds WHERE id = ${page.afterId}::uuid)`,
        );
      }
      return select(
        Prisma.join(conditions, " AND "),
        Prisma.sql`ORDER BY b.build_number DESC LIMIT ${page.limit} OFFSET ${page.offset}`,
      );
    },

    async lock(tx, workspaceId) {
      await tx.$queryRaw`SELECT 1 FROM workspaces WHERE id = ${workspaceId}::uuid FOR UPDATE`;
      return read(tx, workspaceId);
    },

    read,

    async version(tx, id) {
      const rows = await tx.$queryRaw<BuildVersion[]>`
        SELECT v.id, v.template_id AS "templateId", j.file_id AS "fileId", j.provisioner, j.tags, v.archived,
          (SELECT jsonb_object_agg(x.key, x.value) FROM template_version_workspace_tags x
            WHERE x.template_version_id = v.id) AS "workspaceTags",
          j.completed_at AS "completedAt", j.error, v.external_auth_providers AS "externalAuth",
          v.dynamic_parameters AND NOT COALESCE(t.use_classic_parameter_flow, false) AS dynamic
        FROM template_versions v JOIN provisioner_jobs j ON j.id = v.job_id
        LEFT JOIN templates t ON t.id = v.template_id WHERE v.id = ${id}::uuid`;
      return rows[0];
    },

    async parameters(buildId, tx = db) {
      return tx.workspaceBuildParameter.findMany({
        where: { buildId },
        select: { name: true, value: true },
        orderBy: { name: "asc" },
      });
    },

    async insert(tx, build) {
      const { parameters, scheduled, ...columns } = build;
      await tx.workspaceBuild.create({
        data: {
          ...columns,
          updatedAt: build.createdAt,
          parameters: { createMany: { data: parameters } },
        },
        select: { id: true },
      });
      await tx.workspace.update({
        where: { id: build.workspaceId },
        data: {
          latestBuildId: build.id,
          updatedAt: build.createdAt,
          // Autostart is no use: otherwise it would keep a workspace that nobody uses from becoming dormant.
          ...(build.transition === "start" && !scheduled ? { lastUsedAt: build.createdAt } : {}),
          // What a user requests replaces what was to be retried.
          ...(scheduled ? {} : { scheduleFailures: 0, scheduleError: "", scheduleRetryAt: null }),
        },
        select: { id: true },
      });
    },

    agentTimings: (jobId) =>
      db.workspaceAgent.findMany({ where: { resource: { jobId } }, select: timingsSelect }),

    async endAtOnce(tx, jobId, now) {
      await tx.provisionerJob.update({
        where: { id: jobId },
        data: { startedAt: now, completedAt: now, updatedAt: now },
        select: { id: true },
      });
    },

    async markDeleted(tx, workspaceId, sessionName) {
      await tx.apiKey.deleteMany({ where: { tokenName: sessionName } });
      await tx.workspace.update({
        where: { id: workspaceId },
        data: { deleted: true },
        select: { id: true },
      });
    },
  };
}
