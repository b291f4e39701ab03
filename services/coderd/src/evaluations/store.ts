import type { Database } from "../database/client.js";
import { DAEMON_STALE_MS } from "../provisionerjobs/predicates.js";
import { covers, type Tags } from "../provisionerjobs/tags.js";
import type { Installation } from "../templateversions/work-store.js";

/** A template version and a workspace owner, as an evaluation needs to know them. */
export type EvaluationFacts = {
  versionId: string;
  versionName: string;
  templateId: string | null;
  templateName: string | null;
  organizationId: string;
  /** False if its parameters are always as the import found them, or if the template uses the classic flow. */
  dynamic: boolean;
  provisioner: string;
  tags: Tags;
  fileId: string;
  fileHash: string;
  mimetype: string;
  installation: Installation | null;
  variables: { name: string; value: string; sensitive: boolean }[] | null;
  ownerId: string;
  ownerName: string;
  ownerFullName: string;
  ownerEmail: string;
  ownerLoginType: string;
  ownerGroups: string[];
  ownerSiteRoles: string[];
  ownerOrgRoles: { organization_id: string; roles: string[] }[] | null;
  ownerSshPublicKey: string;
};

export type EvaluationStore = {
  /** Undefined if the version or the owner does not exist. */
  facts(versionId: string, ownerId: string): Promise<EvaluationFacts | undefined>;
  /** Whether a daemon that could run the version's jobs is connected, to any replica. */
  hasDaemon(
    facts: Pick<EvaluationFacts, "organizationId" | "provisioner" | "tags">,
    now: Date,
  ): Promise<boolean>;
};

/** `db` must not take part in a request's transaction: evaluations take longer than a transaction should. */
export function createEvaluationStore(db: Database): EvaluationStore {
  return {
    async facts(versionId, ownerId) {
      const rows = await db.$queryRaw<EvaluationFacts[]>`
        SELECT v.id AS "versionId", v.name AS "versionName", t.id AS "templateId", t.name AS "templateName",
          v.organization_id AS "organizationId",
          v.dynamic_parameters AND NOT COALESCE(t.use_classic_parameter_flow, false) AS dynamic,
          j.provisioner, j.tags, f.id AS "fileId", f.hash AS "fileHash", f.mimetype, v.installation,
          (SELECT jsonb_agg(jsonb_build_object('name', x.name, 'value', x.value, 'sensitive', x.sensitive))
            FROM template_version_variables x WHERE x.template_version_id = v.id) AS variables,
          u.id AS "ownerId", u.username AS "ownerName", u.name AS "ownerFullName", u.email AS "ownerEmail",
          u.login_type::text AS "ownerLoginType", u.roles AS "ownerSiteRoles",
          ARRAY(SELECT g.name FROM groups g WHERE g.organization_id = v.organization_id AND (g.id = g.organization_id
            OR EXISTS (SELECT 1 FROM group_members m WHERE m.group_id = g.id AND m.user_id = u.id)) ORDER BY g.name)
            AS "ownerGroups",
          (SELECT jsonb_agg(jsonb_build_object('organization_id', m.organization_id, 'roles', m.roles))
            FROM organization_members m WHERE m.user_id = u.id) AS "ownerOrgRoles",
          COALESCE((SELECT k.public_key FROM git_ssh_keys k WHERE k.user_id = u.id), '') AS "ownerSshPublicKey"
        FROM template_versions v
        JOIN provisioner_jobs j ON j.id = v.job_id
        JOIN files f ON f.id = j.file_id
        LEFT JOIN templates t ON t.id = v.template_id
        JOIN users u ON u.id = ${ownerId}::uuid AND NOT u.deleted
        WHERE v.id = ${versionId}::uuid`;
      return rows[0];
    },

    async hasDaemon({ organizationId, provisioner, tags }, now) {
      const daemons = await db.provisionerDaemon.findMany({
        where: {
          organizationId,
          provisioners: { has: provisioner },
          leftAt: null,
          lastSeenAt: { gte: new Date(now.getTime() - DAEMON_STALE_MS) },
        },
        select: { tags: true },
      });
      return daemons.some((daemon) => covers(daemon.tags as Tags, tags));
    },
  };
}
