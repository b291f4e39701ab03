import type { ParameterValue } from "@fleet/parameters";
import { PREBUILDS_USER_ID } from "../auth/system-users.js";
import type { Database, Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import type { BuildTransition } from "../database/gen/enums.js";
import { toJson } from "../database/json.js";
import type { Dbcrypt } from "../dbcrypt/dbcrypt.js";
import { isJudged } from "../policies/applies.js";
import type { Installation } from "../templateversions/work-store.js";
import type { ScheduleChange } from "./schedule-store.js";
import { openState, sealState, storeStates } from "./state-store.js";
import { CLAIMS } from "./store.js";

/** A build with facts about its workspace, template and owner. */
export type BuildFacts = {
  jobId: string;
  buildId: string;
  transition: BuildTransition;
  logLevel: string;
  acceptsDataLoss: boolean;
  /** off, ask or deny. */
  dataLossPolicy: string;
  /** Policies judge it. */
  judged: boolean;
  /** The workspace is a prebuild without an owner yet, or this build hands it to its owner. */
  isPrebuild: boolean;
  isPrebuildClaim: boolean;
  workspaceId: string;
  workspaceName: string;
  templateId: string;
  templateName: string;
  versionName: string;
  graph: string;
  providerLock: Uint8Array | null;
  skipInit: boolean;
  installation: Installation | null;
  /** The template may use a session of the owner. */
  ownerSession: boolean;
  ownerId: string;
  ownerName: string;
  ownerFullName: string;
  ownerEmail: string;
  ownerLoginType: string;
  /** False while the owner is suspended: the build then receives none of the owner's tokens or keys. */
  ownerActive: boolean;
  ownerGroups: string[];
  ownerSiteRoles: string[];
  ownerOrgRoles: { organization_id: string; roles: string[] }[] | null;
  parameters: ParameterValue[] | null;
  previousParameters: ParameterValue[] | null;
  externalAuth: { id: string; optional: boolean }[];
  variables: { name: string; value: string; sensitive: boolean }[] | null;
  /** Empty if there is none. */
  state: Uint8Array | null;
};

/**
 * Scopes of a template's session: what the CLI needs inside a workspace to manage the owner's workspaces. It cannot
 * create tokens, change accounts or administer anything, whatever the owner's roles.
 */
const WORKSPACE_SESSION_SCOPES = [
  "workspace:*",
  "workspace_dormant:*",
  "template:read",
  "template:use",
  "user:read",
  "user:read_personal",
  "organization:read",
  "organization_member:read",
  "group:read",
  "provisioner_jobs:read",
  "provisioner_daemon:read",
  "workspace_proxy:read",
] as const;

/** Stores what running builds read and write. */
export type BuildWorkStore = {
  /** One statement for any number of builds and plans of builds. */
  facts(jobIds: readonly string[]): Promise<BuildFacts[]>;
  /** Ends the sessions issued to these workspaces' templates. */
  endSessions(tx: Pick<Transaction, "$executeRaw">, workspaceIds: readonly string[]): Promise<void>;
  /**
   * Ends sessions with these names and creates those that have an id. They are not tokens, since no user created them.
   */
  replaceSessions(
    sessions: readonly { name: string; user_id: string; id: string | null; secret_hash: string | null }[],
    lifetimeMs: number,
    now: Date,
  ): Promise<void>;
};

const JUDGED = {
  organization: Prisma.sql`w.organization_id`,
  template: Prisma.sql`w.template_id`,
  transition: Prisma.sql`b.transition`,
};

export function createBuildWorkStore(db: Database, crypt: Dbcrypt): BuildWorkStore {
  return {
    async facts(jobIds) {
      const rows = await db.$queryRaw<BuildFacts[]>`
        SELECT b.job_id AS "jobId", b.id AS "buildId", b.transition, b.log_level AS "logLevel",
          b.accepts_data_loss AS "acceptsDataLoss", t.data_loss_policy AS "dataLossPolicy", ${isJudged(JUDGED)} AS judged,
          w.owner_id = ${PREBUILDS_USER_ID}::uuid AS "isPrebuild", ${CLAIMS} IS TRUE AS "isPrebuildClaim",
          w.id AS "workspaceId", w.name AS "workspaceName", t.id AS "templateId", t.name AS "templateName",
          v.name AS "versionName", v.graph, v.provider_lock AS "providerLock", v.skip_init AS "skipInit", v.installation, v.owner_session AS "ownerSession",
          v.external_auth_providers AS "externalAuth",
          u.id AS "ownerId", u.username AS "ownerName", u.name AS "ownerFullName", u.email AS "ownerEmail",
          u.login_type::text AS "ownerLoginType", o.active AS "ownerActive", u.roles AS "ownerSiteRoles",
          ARRAY(SELECT g.name FROM groups g WHERE g.organization_id = w.organization_id AND (g.id = g.organization_id
            OR EXISTS (SELECT 1 FROM group_members m WHERE m.group_id = g.id AND m.user_id = u.id)) ORDER BY g.name)
            AS "ownerGroups",
          (SELECT jsonb_agg(jsonb_build_object('organization_id', m.organization_id, 'roles', m.roles))
            FROM organization_members m WHERE m.user_id = u.id) AS "ownerOrgRoles",
          b.parameters,
          (SELECT jsonb_agg(jsonb_build_object('name', p.name, 'value', p.value)) FROM workspace_build_parameters p
            JOIN workspace_builds e ON e.id = p.build_id
            WHERE e.workspace_id = b.workspace_id AND e.build_number = b.build_number - 1 AND ${CLAIMS} IS NOT TRUE) AS "previousParameters",
          (SELECT jsonb_agg(jsonb_build_object('name', x.name, 'value', x.value, 'sensitive', x.sensitive))
            FROM template_version_variables x WHERE x.template_version_id = v.id) AS variables,
          (SELECT s.state FROM workspace_build_states s JOIN workspace_builds e ON e.id = s.build_id
            WHERE e.workspace_id = b.workspace_id AND e.build_number <= b.build_number
            ORDER BY e.build_number DESC LIMIT 1) AS state
        FROM (
          SELECT id, job_id, workspace_id, template_version_id, transition, log_level, accepts_data_loss, build_number,
            (SELECT jsonb_agg(jsonb_build_object('name', p.name, 'value', p.value))
              FROM workspace_build_parameters p WHERE p.build_id = workspace_builds.id) AS parameters
          FROM workspace_builds WHERE job_id = ANY(${jobIds}::uuid[])
          UNION ALL
          -- A plan is what would be the workspace's next build.
          SELECT p.id, p.job_id, p.workspace_id, p.template_version_id, p.transition, '', true,
            1 + COALESCE((SELECT max(l.build_number) FROM workspace_builds l WHERE l.workspace_id = p.workspace_id), 0),
            p.parameters
          FROM workspace_plans p WHERE p.job_id = ANY(${jobIds}::uuid[])
        ) b
        JOIN provisioner_jobs j ON j.id = b.job_id
        JOIN workspaces w ON w.id = b.workspace_id
        JOIN users u ON u.id = w.owner_id
        CROSS JOIN LATERAL (SELECT u.status <> 'suspended' AND NOT u.deleted AS active) o
        JOIN template_versions v ON v.id = b.template_version_id
        JOIN templates t ON t.id = w.template_id`;
      return rows.map((row) => ({ ...row, state: row.state && openState(crypt, row.state) }));
    },

    async endSessions(tx, workspaceIds) {
      await tx.$executeRaw`
        DELETE FROM api_keys k USING workspaces w
        WHERE w.id = ANY(${workspaceIds}::uuid[]) AND k.user_id = w.owner_id AND k.token_name = 'workspace-' || w.id`;
    },

    async replaceSessions(sessions, lifetimeMs, now) {
      await db.$executeRaw`
        WITH session AS (
          SELECT * FROM jsonb_to_recordset(${toJson(sessions)}::jsonb) AS s(name text, user_id uuid, id text, secret_hash text)
        ), ended AS (
          DELETE FROM api_keys k USING session s WHERE k.user_id = s.user_id AND k.token_name = s.name
        )
        INSERT INTO api_keys (id, user_id, secret_hash, login_type, token_name, scopes, lifetime_seconds, created_at, updated_at, expires_at)
        SELECT id, user_id, decode(secret_hash, 'hex'), 'none', name, ${[...WORKSPACE_SESSION_SCOPES]}, ${Math.round(lifetimeMs / 1000)}::bigint, ${now}, ${now},
          ${new Date(now.getTime() + lifetimeMs)}
        FROM session WHERE id IS NOT NULL`;
    },
  };
}

const INT4_MAX = 2_147_483_647;

export type StoredBuild = {
  jobId: string;
  workspaceId: string;
  transition: BuildTransition;
  /** It handed a prebuild to its owner. */
  claims: boolean;
};

/**
 * Stores build results: state, cost, deadlines and the workspace's schedule. A deleted workspace is marked as such. For a
 * failed build, only the state and the schedule are stored.
 */
export async function storeBuildResults(
  tx: Transaction,
  results: readonly {
    jobId: string;
    result: { state: Uint8Array | undefined; resources: { dailyCost: number }[] };
  }[],
  schedules: ReadonlyMap<string, ScheduleChange>,
  now: Date,
  { failed, crypt }: { failed: boolean; crypt: Dbcrypt },
): Promise<StoredBuild[]> {
  const known = results.filter(({ jobId }) => schedules.has(jobId));
  const rows = known.map(({ jobId, result }) => {
    const sealed = result.state && sealState(crypt, result.state);
    return {
      job_id: jobId,
      state: sealed ? Buffer.from(sealed.state).toString("base64") : null,
      key_id: sealed?.keyId ?? null,
      daily_cost: Math.min(
        result.resources.reduce((sum, resource) => sum + resource.dailyCost, 0),
        INT4_MAX,
      ),
      ...toScheduleColumns(schedules.get(jobId)!),
    };
  });
  return tx.$queryRaw<StoredBuild[]>`
    WITH result AS (
      SELECT * FROM jsonb_to_recordset(${toJson(rows)}::jsonb) AS r(job_id uuid, state text, key_id text, daily_cost int,
        deadline timestamptz, max_deadline timestamptz, failures int, schedule_error text, retry_at timestamptz,
        next_start_at timestamptz)
    ), build AS (
      UPDATE workspace_builds b SET
        updated_at = ${now},
        daily_cost = CASE WHEN ${failed} THEN b.daily_cost ELSE r.daily_cost END,
        deadline = CASE WHEN ${failed} OR b.transition <> 'start' THEN b.deadline ELSE r.deadline END,
        max_deadline = CASE WHEN ${failed} OR b.transition <> 'start' THEN b.max_deadline ELSE r.max_deadline END
      FROM result r JOIN provisioner_jobs j ON j.id = r.job_id WHERE b.job_id = r.job_id
      RETURNING b.id, b.job_id, b.workspace_id, b.transition, ${CLAIMS} IS TRUE AS claims
    ), incoming AS (
      SELECT b.id AS build_id, decode(r.state, 'base64') AS state, r.key_id FROM build b JOIN result r ON r.job_id = b.job_id
      WHERE r.state IS NOT NULL
    ), ${storeStates("build", null, now)}, workspace AS (
      UPDATE workspaces w SET updated_at = ${now}, deleted = w.deleted OR (b.transition = 'delete' AND NOT ${failed}),
        schedule_failures = r.failures, schedule_error = r.schedule_error, schedule_retry_at = r.retry_at,
        next_start_at = r.next_start_at
      FROM build b JOIN result r ON r.job_id = b.job_id WHERE w.id = b.workspace_id
    )
    SELECT job_id AS "jobId", workspace_id AS "workspaceId", transition, claims FROM build`;
}

function toScheduleColumns({ deadline, maxDeadline, failures, error, retryAt, nextStartAt }: ScheduleChange) {
  return {
    deadline: deadline ?? null,
    max_deadline: maxDeadline ?? null,
    failures,
    schedule_error: error,
    retry_at: retryAt,
    next_start_at: nextStartAt,
  };
}
