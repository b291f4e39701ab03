import { gunzipSync, gzipSync } from "node:zlib";
import type { ParameterValue } from "@fleet/parameters";
import { type Database, inTransaction, type Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import type { BuildTransition } from "../database/gen/enums.js";
import { toJson } from "../database/json.js";
import type { Dbcrypt } from "../dbcrypt/dbcrypt.js";
import { applies } from "./applies.js";
import type { EvaluationInput } from "./cel/types.js";
import type { PolicyMode } from "./store.js";

/** What a job is about, and the policies that judge it. */
export type Subject = {
  transition: BuildTransition;
  reason: string;
  initiatorName: string;
  workspaceId: string | null;
  workspaceName: string;
  templateId: string | null;
  templateName: string;
  versionName: string;
  organizationId: string;
  organizationName: string;
  ownerId: string;
  ownerName: string;
  ownerEmail: string;
  ownerLoginType: string;
  ownerGroups: string[];
  ownerRoles: string[];
  ownerOrganizationRoles: string[];
  parameters: ParameterValue[] | null;
  /** Credits per day as of the workspace's last successful build. */
  dailyCost: number;
  policies: ApplicablePolicy[] | null;
};

export type ApplicablePolicy = {
  id: string;
  name: string;
  version: number;
  mode: PolicyMode;
  expression: string;
  message: string;
  messageExpression: string;
};

export type NewPolicyResult = {
  policy_id: string;
  version: number;
  outcome: "passed" | "violated" | "error";
  message: string;
};

export type PolicyResultRow = {
  policyId: string;
  policyName: string;
  version: number;
  organizationId: string | null;
  templateId: string | null;
  mode: PolicyMode;
  outcome: "passed" | "violated" | "error";
  message: string;
};

/** A plan that was judged or could have been. */
export type RecordedPlan = {
  jobId: string;
  createdAt: Date;
  transition: BuildTransition;
  templateName: string;
  ownerName: string;
  workspaceName: string;
  input: EvaluationInput;
};

export type JudgeStore = {
  /** Undefined for a job that no policy can judge. */
  subject(jobId: string): Promise<Subject | undefined>;
  /** Replaces the job's results: the last judgement counts. */
  setResults(
    tx: Pick<Transaction, "$executeRaw">,
    jobId: string,
    results: readonly NewPolicyResult[],
    now: Date,
  ): Promise<void>;
  /** Keeps what the job was judged by, and for its template only the newest KEPT_PLANS. */
  keepPlan(plan: { jobId: string; templateId: string; input: EvaluationInput }, now: Date): Promise<void>;
  /** Results by job, in order of the policies' scopes and names. */
  results(jobIds: readonly string[]): Promise<Map<string, PolicyResultRow[]>>;
  /** The newest plans of the scope and of these transitions, newest first. */
  recentPlans(
    scope: { organizationId: string | undefined; templateId: string | undefined },
    transitions: readonly BuildTransition[],
    limit: number,
  ): Promise<RecordedPlan[]>;
  deletePlansBefore(before: Date): Promise<void>;
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
};

const KEPT_PLANS = 50;
/** Larger plans, compressed, are not kept. */
const MAX_PLAN_BYTES = 1024 * 1024;
const MAX_UNPACKED_BYTES = 16 * 1024 * 1024;
const PLACE = "policy_plans.content";

const JUDGED = {
  organization: Prisma.sql`s.organization_id`,
  template: Prisma.sql`s.template_id`,
  transition: Prisma.sql`s.transition`,
};

export function createJudgeStore(db: Database, crypt: Dbcrypt): JudgeStore {
  return {
    transaction: <T>(work: (tx: Transaction) => Promise<T>) => inTransaction(db, work),

    async subject(jobId) {
      const rows = await db.$queryRaw<Subject[]>`
        WITH s AS (
          SELECT r.*, w.name AS workspace_name, v.name AS version_name, v.organization_id,
            COALESCE(w.template_id, v.template_id) AS template_id, COALESCE(w.owner_id, r.initiator_id) AS owner_id
          FROM (
            SELECT b.workspace_id, b.template_version_id, b.transition, b.reason, b.initiator_id,
              (SELECT jsonb_agg(jsonb_build_object('name', p.name, 'value', p.value))
                FROM workspace_build_parameters p WHERE p.build_id = b.id) AS parameters
            FROM workspace_builds b WHERE b.job_id = ${jobId}::uuid
            UNION ALL
            SELECT p.workspace_id, p.template_version_id, p.transition, 'initiator', p.initiator_id, p.parameters
            FROM workspace_plans p WHERE p.job_id = ${jobId}::uuid
            UNION ALL
            SELECT NULL, (j.input->>'template_version_id')::uuid, 'start'::build_transition, 'initiator', j.initiator_id,
              j.input->'rich_parameter_values'
            FROM provisioner_jobs j WHERE j.id = ${jobId}::uuid AND j.type = 'template_version_dry_run'
          ) r
          JOIN template_versions v ON v.id = r.template_version_id
          LEFT JOIN workspaces w ON w.id = r.workspace_id
        )
        SELECT s.transition, s.reason, i.username AS "initiatorName", s.workspace_id AS "workspaceId",
          COALESCE(s.workspace_name, '') AS "workspaceName", t.id AS "templateId", COALESCE(t.name, '') AS "templateName",
          s.version_name AS "versionName", o.id AS "organizationId", o.name AS "organizationName",
          u.id AS "ownerId", u.username AS "ownerName", u.email AS "ownerEmail", u.login_type::text AS "ownerLoginType",
          ARRAY(SELECT g.name FROM groups g WHERE g.organization_id = o.id AND (g.id = g.organization_id
            OR EXISTS (SELECT 1 FROM group_members m WHERE m.group_id = g.id AND m.user_id = u.id)) ORDER BY g.name)
            AS "ownerGroups",
          u.roles AS "ownerRoles",
          COALESCE((SELECT m.roles FROM organization_members m WHERE m.user_id = u.id AND m.organization_id = o.id), '{}')
            AS "ownerOrganizationRoles",
          s.parameters,
          COALESCE((SELECT b.daily_cost FROM workspace_builds b JOIN provisioner_jobs j ON j.id = b.job_id
            WHERE b.workspace_id = s.workspace_id AND j.completed_at IS NOT NULL AND j.error IS NULL AND j.canceled_at IS NULL
            ORDER BY b.build_number DESC LIMIT 1), 0) AS "dailyCost",
          (SELECT jsonb_agg(jsonb_build_object('id', p.id, 'name', p.name, 'version', pv.version, 'mode', pv.mode,
              'expression', pv.expression, 'message', pv.message, 'messageExpression', pv.message_expression)
              ORDER BY p.organization_id NULLS FIRST, p.template_id NULLS FIRST, p.name)
            FROM policies p JOIN policy_versions pv ON pv.policy_id = p.id AND pv.version = p.version
            WHERE ${applies(JUDGED)}) AS policies
        FROM s
        JOIN organizations o ON o.id = s.organization_id
        JOIN users u ON u.id = s.owner_id
        JOIN users i ON i.id = s.initiator_id
        LEFT JOIN templates t ON t.id = s.template_id`;
      return rows[0];
    },

    async setResults(tx, jobId, results, now) {
      await tx.$executeRaw`
        WITH result AS (
          SELECT * FROM jsonb_to_recordset(${toJson(results)}::jsonb)
            AS r(policy_id uuid, version int, outcome text, message text)
        ), obsolete AS (
          DELETE FROM policy_results r WHERE r.job_id = ${jobId}::uuid AND r.policy_id NOT IN (SELECT policy_id FROM result)
        )
        INSERT INTO policy_results (job_id, policy_id, version, outcome, message, created_at)
        SELECT ${jobId}::uuid, policy_id, version, outcome, message, ${now} FROM result
        ON CONFLICT (job_id, policy_id) DO UPDATE SET version = excluded.version, outcome = excluded.outcome,
          message = excluded.message, created_at = excluded.created_at`;
    },

    async keepPlan({ jobId, templateId, input }, now) {
      const packed = gzipSync(JSON.stringify(input));
      if (packed.length > MAX_PLAN_BYTES) return;
      const content = crypt.seal(packed, PLACE);
      await inTransaction(db, async (tx) => {
        await tx.policyPlan.upsert({
          where: { jobId },
          create: { jobId, templateId, content, createdAt: now },
          update: { content, createdAt: now },
        });
        await tx.$executeRaw`
          DELETE FROM policy_plans WHERE job_id IN (SELECT job_id FROM policy_plans
            WHERE template_id = ${templateId}::uuid ORDER BY created_at DESC, job_id OFFSET ${KEPT_PLANS})`;
      });
    },

    async results(jobIds) {
      if (jobIds.length === 0) return new Map();
      const rows = await db.$queryRaw<(PolicyResultRow & { jobId: string })[]>`
        SELECT r.job_id AS "jobId", r.policy_id AS "policyId", p.name AS "policyName", r.version,
          p.organization_id AS "organizationId", p.template_id AS "templateId", v.mode, r.outcome, r.message
        FROM policy_results r
        JOIN policies p ON p.id = r.policy_id
        JOIN policy_versions v ON v.policy_id = r.policy_id AND v.version = r.version
        WHERE r.job_id = ANY(${jobIds}::uuid[])
        ORDER BY p.organization_id NULLS FIRST, p.template_id NULLS FIRST, p.name`;
      return Map.groupBy(rows, ({ jobId }) => jobId);
    },

    async recentPlans({ organizationId, templateId }, transitions, limit) {
      const rows = await db.$queryRaw<
        (Omit<RecordedPlan, "input" | "transition"> & { content: Uint8Array })[]
      >`
        SELECT pp.job_id AS "jobId", pp.created_at AS "createdAt", pp.content, t.name AS "templateName",
          CASE WHEN w.id IS NULL THEN '' ELSE u.username END AS "ownerName", COALESCE(w.name, '') AS "workspaceName"
        FROM policy_plans pp
        JOIN templates t ON t.id = pp.template_id
        LEFT JOIN workspace_builds b ON b.job_id = pp.job_id
        LEFT JOIN workspace_plans p ON p.job_id = pp.job_id
        LEFT JOIN workspaces w ON w.id = COALESCE(b.workspace_id, p.workspace_id)
        LEFT JOIN users u ON u.id = w.owner_id
        WHERE COALESCE(b.transition, p.transition, 'start') = ANY(${transitions}::build_transition[])
          AND (${organizationId ?? null}::uuid IS NULL OR t.organization_id = ${organizationId ?? null}::uuid)
          AND (${templateId ?? null}::uuid IS NULL OR t.id = ${templateId ?? null}::uuid)
        ORDER BY pp.created_at DESC, pp.job_id LIMIT ${limit}`;
      return rows.flatMap(({ content, ...plan }) => {
        const input = unpack(content);
        return input ? [{ ...plan, input, transition: input.build.transition as BuildTransition }] : [];
      });
    },

    async deletePlansBefore(before) {
      await db.policyPlan.deleteMany({ where: { createdAt: { lt: before } } });
    },
  };

  /** Undefined if its key is gone. */
  function unpack(content: Uint8Array): EvaluationInput | undefined {
    try {
      const json = gunzipSync(crypt.open(content, PLACE), { maxOutputLength: MAX_UNPACKED_BYTES });
      return JSON.parse(json.toString()) as EvaluationInput;
    } catch {
      return undefined;
    }
  }
}
