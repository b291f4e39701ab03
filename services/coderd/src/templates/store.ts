import type { Reach } from "@fleet/rbac";
import { rolesAllowing } from "../auth/acl.js";
import { type ReachColumns, reachable } from "../auth/predicates.js";
import { widerThan } from "../auth/share-level.js";
import { TEMPLATE_ACTIONS } from "../auth/template-access.js";
import { type Database, inTransaction, isUniqueViolation } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { toJson } from "../database/json.js";
import { containsText, sameText } from "../database/text.js";
import { sentenceOf } from "../unpushedwork/report.js";
import { unpushedReports } from "../unpushedwork/store.js";
import { TemplateNameTaken } from "./errors.js";

const include = {
  organization: { select: { name: true, displayName: true, icon: true } },
  creator: { select: { username: true } },
} satisfies Prisma.TemplateInclude;

/** A template with its organization and creator. */
export type TemplateRow = Prisma.TemplateGetPayload<{ include: typeof include }>;

export type TemplateSettings = Partial<
  Pick<
    TemplateRow,
    | "name"
    | "displayName"
    | "description"
    | "icon"
    | "deprecationMessage"
    | "autostopRequirementDays"
    | "autostopRequirementWeeks"
    | "autostartRequirementDays"
    | "allowUserCancelWorkspaceJobs"
    | "allowUserAutostart"
    | "allowUserAutostop"
    | "requireActiveVersion"
    | "maxPortShareLevel"
    | "useClassicParameterFlow"
    | "corsBehavior"
    | "dataLossPolicy"
    | "activityKinds"
    | "activityRequiresInput"
    | "activityCpuPercent"
    | "wakeOn"
    | "checkUnpushedWork"
  >
> & {
  defaultTtlMs?: number;
  activityBumpMs?: number;
  activityMaxHoldMs?: number;
  failureTtlMs?: number;
  timeTilDormantMs?: number;
  timeTilDormantAutodeleteMs?: number;
  groupAcl?: Record<string, string[]>;
  userAcl?: Record<string, string[]>;
};

/** Actions by id to grant, and ids to remove. */
export type AclChange = { given: Record<string, string[]>; removed: readonly string[] };

export type TemplateFilter = {
  organizationId?: string;
  text?: string;
  exactName?: string;
  deprecated?: boolean;
};

/** Median and 95th percentile build time of a transition, in milliseconds. */
export type BuildTime = {
  templateId: string;
  transition: "start" | "stop" | "delete";
  p50: number | null;
  p95: number | null;
};

/** A dormant workspace that is to be deleted. */
export type MarkedWorkspace = {
  id: string;
  name: string;
  ownerId: string;
  ownerName: string;
  deletingAt: Date;
  /** What its deletion would lose, in a sentence; empty if nothing is known. */
  unpushed: string;
};

/** Storage of templates. */
export type TemplateStore = {
  /** Returns null if it does not exist or is deleted. */
  find(id: string): Promise<TemplateRow | null>;
  /** Case-insensitive. */
  findByName(organizationId: string, name: string): Promise<TemplateRow | null>;
  /** Matching templates within the reach, by name. */
  list(filter: TemplateFilter, reach: Reach): Promise<TemplateRow[]>;
  /** Creates a template from a version that has none yet. Undefined if another template took the version first. */
  insert(
    template: TemplateSettings & {
      id: string;
      organizationId: string;
      name: string;
      provisioner: string;
      activeVersionId: string;
      createdBy: string;
    },
  ): Promise<TemplateRow | undefined>;
  /** Lowers port shares that exceed the template's new maximum sharing level. */
  update(id: string, data: TemplateSettings): Promise<TemplateRow>;
  /** Grants roles and removes those of the ids in `removed`; concurrent changes to other ids are kept. */
  updateAcl(id: string, users: AclChange, groups: AclChange): Promise<void>;
  /** The ids that are not members, or not groups, of the organization. */
  strangers(
    organizationId: string,
    userIds: readonly string[],
    groupIds: readonly string[],
  ): Promise<{ users: string[]; groups: string[] }>;
  /** Workspaces with automatic updates use it from their next start. */
  setActiveVersion(id: string, activeVersionId: string): Promise<{ id: string }>;
  /** Number of the template's workspaces that are not deleted. */
  countWorkspaces(templateId: string): Promise<number>;
  /** Marks the template as deleted; its versions are kept for the builds that use them. */
  delete(id: string): Promise<void>;
  /** Number of users with recently used workspaces, by template. */
  activeUsers(templateIds: readonly string[], since: Date): Promise<Map<string, number>>;
  /** Build times of these templates. */
  buildTimes(templateIds: readonly string[]): Promise<BuildTime[]>;
  /** Resets the last-used or dormancy times of the template's workspaces, after its dormancy rules changed. */
  touchWorkspaces(id: string, change: { lastUsedAt?: Date; dormantAt?: Date }): Promise<void>;
  /** Recomputes when the template's dormant workspaces are deleted, from its current settings. */
  followDeletion(id: string): Promise<void>;
  /** The template's workspaces that are to be deleted. */
  dormant(templateId: string): Promise<MarkedWorkspace[]>;
  /** Schedules the next autostart of the template's workspaces to be recomputed; a stale due time starts nothing. */
  followAutostart(id: string, now: Date): Promise<void>;
};

/** The columns of a template `t` that the policy asks for. */
const REACH_COLUMNS: ReachColumns = {
  id: Prisma.sql`t.id`,
  organization: Prisma.sql`t.organization_id`,
  acl: {
    users: Prisma.sql`t.user_acl`,
    groups: Prisma.sql`t.group_acl`,
    roles: rolesAllowing("read", TEMPLATE_ACTIONS),
  },
};

/** Number of builds that a template's statistics are computed from. */
const BUILD_TIME_SAMPLE = 100;

export function createTemplateStore(db: Database): TemplateStore {
  async function nameErrors<T>(name: string | undefined, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (isUniqueViolation(error, "name")) throw new TemplateNameTaken(name ?? "");
      throw error;
    }
  }

  return {
    find: (id) => db.template.findFirst({ where: { id, deleted: false }, include }),

    findByName: (organizationId, name) =>
      db.template.findFirst({
        where: { organizationId, deleted: false, name: sameText(name) },
        include,
      }),

    async list(filter, reach) {
      const { organizationId, text, exactName, deprecated } = filter;
      const within = organizationId
        ? Prisma.sql`t.organization_id = ${organizationId}::uuid`
        : Prisma.sql`true`;
      const visible = await db.$queryRaw<{ id: string }[]>`
        SELECT t.id FROM templates t WHERE NOT t.deleted AND ${within} AND ${reachable(reach, REACH_COLUMNS)}`;
      return db.template.findMany({
        where: {
          id: { in: visible.map(({ id }) => id) },
          ...(exactName ? { name: sameText(exactName) } : {}),
          ...(text
            ? {
                OR: [{ name: containsText(text) }, { displayName: containsText(text) }],
              }
            : {}),
          ...(deprecated === undefined ? {} : { deprecationMessage: deprecated ? { not: "" } : "" }),
        },
        include,
        orderBy: [{ name: "asc" }, { id: "asc" }],
      });
    },

    async insert(template) {
      return nameErrors(
        template.name,
        inTransaction(db, async (tx) => {
          const row = await tx.template.create({ data: template, include });
          const { count } = await tx.templateVersion.updateMany({
            where: { id: template.activeVersionId, templateId: null },
            data: { templateId: template.id },
          });
          if (count === 0) {
            await tx.template.delete({ where: { id: template.id } });
            return undefined;
          }
          return row;
        }),
      );
    },

    update: (id, data) =>
      nameErrors(
        data.name,
        inTransaction(db, async (tx) => {
          const row = await tx.template.update({ where: { id }, data, include });
          const { maxPortShareLevel: maximum } = data;
          if (maximum !== undefined) {
            await tx.workspacePortShare.updateMany({
              where: { workspace: { templateId: id }, shareLevel: { in: widerThan(maximum) } },
              data: { shareLevel: maximum },
            });
          }
          return row;
        }),
      ),

    async updateAcl(id, users, groups) {
      await db.$executeRaw`
        UPDATE templates SET updated_at = now(),
          user_acl = (user_acl || ${toJson(users.given)}::jsonb) - ${[...users.removed]}::text[],
          group_acl = (group_acl || ${toJson(groups.given)}::jsonb) - ${[...groups.removed]}::text[]
        WHERE id = ${id}::uuid`;
    },

    async strangers(organizationId, userIds, groupIds) {
      const [members, groups] = await Promise.all([
        db.organizationMember.findMany({
          where: { organizationId, userId: { in: [...userIds] }, user: { deleted: false } },
          select: { userId: true },
        }),
        db.group.findMany({ where: { organizationId, id: { in: [...groupIds] } }, select: { id: true } }),
      ]);
      const known = new Set([...members.map(({ userId }) => userId), ...groups.map(({ id }) => id)]);
      const unknown = (ids: readonly string[]) => ids.filter((id) => !known.has(id));
      return { users: unknown(userIds), groups: unknown(groupIds) };
    },

    setActiveVersion: (id, activeVersionId) =>
      db.template.update({ where: { id }, data: { activeVersionId }, select: { id: true } }),

    countWorkspaces: (templateId) => db.workspace.count({ where: { templateId, deleted: false } }),

    async delete(id) {
      await db.template.update({ where: { id }, data: { deleted: true }, select: { id: true } });
    },

    async activeUsers(templateIds, since) {
      if (templateIds.length === 0) return new Map();
      const rows = await db.$queryRaw<{ templateId: string; users: number }[]>`
        SELECT w.template_id AS "templateId", count(DISTINCT w.owner_id)::int AS users FROM workspaces w
        WHERE w.template_id = ANY(${templateIds}::uuid[]) AND NOT w.deleted AND w.last_used_at > ${since} GROUP BY 1`;
      return new Map(rows.map(({ templateId, users }) => [templateId, users]));
    },

    async buildTimes(templateIds) {
      if (templateIds.length === 0) return [];
      return db.$queryRaw<BuildTime[]>`
        SELECT t.id AS "templateId", x.transition::text AS transition, s.p50, s.p95
        FROM unnest(${templateIds}::uuid[]) AS t(id)
        CROSS JOIN (VALUES ('start'::build_transition), ('stop'), ('delete')) AS x(transition)
        CROSS JOIN LATERAL (
          SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) AS p50, percentile_disc(0.95) WITHIN GROUP (ORDER BY ms) AS p95
          FROM (
            SELECT (EXTRACT(EPOCH FROM j.completed_at - j.started_at) * 1000)::float8 AS ms
            FROM template_versions v JOIN workspace_builds b ON b.template_version_id = v.id
            JOIN provisioner_jobs j ON j.id = b.job_id
            WHERE v.template_id = t.id AND b.transition = x.transition AND j.completed_at IS NOT NULL
              AND j.error IS NULL AND j.canceled_at IS NULL
            ORDER BY j.completed_at DESC LIMIT ${BUILD_TIME_SAMPLE}
          ) recent
        ) s`;
    },

    async touchWorkspaces(id, change) {
      if (change.lastUsedAt) {
        await db.workspace.updateMany({
          where: { templateId: id, deleted: false },
          data: { lastUsedAt: change.lastUsedAt },
        });
      }
      if (change.dormantAt) {
        await db.workspace.updateMany({
          where: { templateId: id, deleted: false, dormantAt: { not: null } },
          data: { dormantAt: change.dormantAt },
        });
      }
    },

    async followDeletion(id) {
      await db.$executeRaw`
        UPDATE workspaces w SET deleting_at = CASE WHEN t.time_til_dormant_autodelete_ms > 0
          THEN w.dormant_at + t.time_til_dormant_autodelete_ms * interval '1 millisecond' END
        FROM templates t
        WHERE t.id = ${id}::uuid AND w.template_id = t.id AND NOT w.deleted AND w.dormant_at IS NOT NULL`;
    },

    async dormant(templateId) {
      const marked = await db.$queryRaw<Omit<MarkedWorkspace, "unpushed">[]>`
        SELECT w.id, w.name, w.owner_id AS "ownerId", u.username AS "ownerName", w.deleting_at AS "deletingAt"
        FROM workspaces w JOIN users u ON u.id = w.owner_id
        WHERE w.template_id = ${templateId}::uuid AND NOT w.deleted AND w.deleting_at IS NOT NULL`;
      const ids = marked.map(({ id }) => id);
      const reports = await unpushedReports(db, ids);
      return marked.map((workspace) => ({ ...workspace, unpushed: sentenceOf(reports.get(workspace.id)) }));
    },

    async followAutostart(id, now) {
      await db.$executeRaw`
        UPDATE workspaces w SET next_start_at = ${now},
          schedule_retry_at = CASE WHEN schedule_retry_at = next_start_at THEN NULL ELSE schedule_retry_at END
        WHERE template_id = ${id}::uuid AND NOT deleted AND autostart_schedule IS NOT NULL`;
    },
  };
}
