import { isUuid } from "@fleet/base";
import type { Reach } from "@fleet/rbac";
import { connectionCondition, unhealthyCondition } from "../agents/predicates.js";
import { rolesAllowing } from "../auth/acl.js";
import { type ReachColumns, reachable } from "../auth/predicates.js";
import { WORKSPACE_ACTIONS, type WorkspaceAcl, type WorkspaceRole } from "../auth/workspace-access.js";
import type { WorkspaceStatus } from "../builds/status.js";
import { type Database, inTransaction, isUniqueViolation, type Transaction } from "../database/client.js";
import type { Template } from "../database/gen/client.js";
import { Prisma } from "../database/gen/client.js";
import { likeText, sameText } from "../database/text.js";
import { SUCCEEDED, statusCondition } from "../provisionerjobs/predicates.js";
import type { JobStatus } from "../provisionerjobs/status.js";
import { EXTERNAL_AGENT } from "../resources/types.js";
import { ACTIVE_VERSION, WITHDRAWN } from "../rollouts/predicates.js";
import { TTL_MS } from "../schedules/predicates.js";
import { WorkspaceNameTaken } from "./errors.js";
import type { WorkspaceFilter, WorkspaceOrder, WorkspaceSort } from "./query.js";

/** A workspace with the names displayed with it. */
export type WorkspaceRow = {
  id: string;
  createdAt: Date;
  updatedAt: Date;
  ownerId: string;
  ownerName: string;
  ownerAvatarUrl: string;
  organizationId: string;
  organizationName: string;
  userAcl: unknown;
  groupAcl: unknown;
  templateId: string;
  templateName: string;
  templateDisplayName: string;
  templateIcon: string;
  /** The template's version that is active for this workspace. */
  templateActiveVersionId: string;
  templateAllowUserCancel: boolean;
  templateRequireActiveVersion: boolean;
  templateUseClassicParameterFlow: boolean;
  templateAllowAutostart: boolean;
  templateAllowAutostop: boolean;
  templateDefaultTtlMs: bigint;
  templateAutostartDays: string[];
  templateTimeTilDeleteMs: bigint;
  latestBuildId: string;
  latestVersionId: string;
  /** A rollout of the latest version stopped or was aborted. */
  latestWithdrawn: boolean;
  deleted: boolean;
  name: string;
  autostartSchedule: string | null;
  /** How long it runs after a start: the template's time, if users may not choose their own. */
  ttlMs: number | null;
  lastUsedAt: Date;
  deletingAt: Date | null;
  dormantAt: Date | null;
  nextStartAt: Date | null;
  scheduleFailures: number;
  scheduleError: string;
  scheduleRetryAt: Date | null;
  automaticUpdates: string;
  favorite: boolean;
  /** Kind of activity → when it was last seen, ISO 8601. */
  activity: unknown;
  /** Jobs that keep the latest build's workspace running; some may have expired. */
  holds: { name: string; expiresAt: string }[];
};

export type NewWorkspace = {
  id: string;
  ownerId: string;
  organizationId: string;
  templateId: string;
  name: string;
  autostartSchedule: string | null;
  ttlMs: number | null;
  nextStartAt: Date | null;
  scheduleRetryAt: null;
  automaticUpdates: string;
  createdAt: Date;
};

export type WorkspaceChange = Partial<{
  ownerId: string;
  name: string;
  autostartSchedule: string | null;
  nextStartAt: Date | null;
  scheduleRetryAt: null;
  ttlMs: number | null;
  dormantAt: Date | null;
  deletingAt: Date | null;
  lastUsedAt: Date;
  automaticUpdates: string;
}>;

/** The viewer and what their roles let them see. */
export type Viewer = { userId: string; reach: Reach };

/** A user or group that a workspace is shared with. */
export type SharedActor = {
  id: string;
  type: "user" | "group";
  name: string;
  avatarUrl: string;
  roles: WorkspaceRole[];
};

/** The owner of a new workspace. */
export type WorkspaceOwner = {
  id: string;
  username: string;
  isSystem: boolean;
  memberships: { organizationId: string }[];
};

/** Storage of workspaces. */
export type WorkspaceStore = {
  /** Runs the work in a transaction, rolled back if it throws. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Returns undefined if it does not exist. The viewer determines whether it is a favorite. */
  find(id: string, includeDeleted: boolean, viewerId: string): Promise<WorkspaceRow | undefined>;
  /** Case-insensitive. */
  findByName(
    ownerId: string,
    name: string,
    includeDeleted: boolean,
    viewerId: string,
  ): Promise<WorkspaceRow | undefined>;
  /** A page of workspaces that the viewer may see, favorites and running ones first, and the total count. */
  list(
    viewer: Viewer,
    filter: WorkspaceFilter,
    page: { limit: number; offset: number; afterId?: string | undefined; sort?: WorkspaceSort | undefined },
    now: Date,
  ): Promise<{ rows: WorkspaceRow[]; count: number }>;
  /** @throws WorkspaceNameTaken if the owner already has a workspace with this name. */
  insert(tx: Transaction, workspace: NewWorkspace): Promise<void>;
  /** @throws WorkspaceNameTaken if the owner already has a workspace with this name. */
  update(id: string, change: WorkspaceChange, tx?: Pick<Transaction, "workspace">): Promise<void>;
  /** Sets the autostop deadline of the build's workspace; null for none. */
  setDeadline(tx: Pick<Transaction, "workspaceBuild">, buildId: string, deadline: Date | null): Promise<void>;
  /** Adds the workspace to the user's favorites or removes it. */
  setFavorite(userId: string, workspaceId: string, favorite: boolean): Promise<void>;
  /** The users and groups that each of these workspaces is shared with, by name. */
  sharedWith(workspaces: readonly WorkspaceRow[]): Promise<Map<string, SharedActor[]>>;
  /** Whether the agent is or was one of the workspace's. */
  hasAgent(workspaceId: string, agentId: string): Promise<boolean>;
  /** By uuid or name; returns null if it does not exist. */
  owner(idOrName: string): Promise<WorkspaceOwner | null>;
  /** Returns null if it does not exist or is deleted. */
  template(id: string): Promise<Template | null>;
  /** The template that the version belongs to. */
  versionTemplate(id: string): Promise<{ templateId: string | null } | null>;
};

/** The holds of build `b`. */
const HOLDS = Prisma.sql`COALESCE((SELECT jsonb_agg(jsonb_build_object('name', h.name, 'expiresAt', h.expires_at) ORDER BY h.name)
  FROM workspace_activity_holds h WHERE h.build_id = b.id), '[]')`;

const COLUMNS = Prisma.sql`
  w.id, w.created_at AS "createdAt", w.updated_at AS "updatedAt", w.owner_id AS "ownerId", owner.username AS "ownerName",
  owner.avatar_url AS "ownerAvatarUrl", w.organization_id AS "organizationId", o.name AS "organizationName",
  w.user_acl AS "userAcl", w.group_acl AS "groupAcl",
  t.id AS "templateId", t.name AS "templateName", t.display_name AS "templateDisplayName", t.icon AS "templateIcon",
  ${ACTIVE_VERSION} AS "templateActiveVersionId", t.allow_user_cancel_workspace_jobs AS "templateAllowUserCancel",
  t.require_active_version AS "templateRequireActiveVersion",
  t.use_classic_parameter_flow AS "templateUseClassicParameterFlow", t.allow_user_autostart AS "templateAllowAutostart",
  t.allow_user_autostop AS "templateAllowAutostop", t.default_ttl_ms AS "templateDefaultTtlMs",
  t.autostart_requirement_days AS "templateAutostartDays",
  t.time_til_dormant_autodelete_ms AS "templateTimeTilDeleteMs",
  b.id AS "latestBuildId", b.template_version_id AS "latestVersionId", ${WITHDRAWN} AS "latestWithdrawn", w.deleted, w.name,
  w.autostart_schedule AS "autostartSchedule", ${TTL_MS} AS "ttlMs", w.last_used_at AS "lastUsedAt",
  w.deleting_at AS "deletingAt", w.dormant_at AS "dormantAt", w.next_start_at AS "nextStartAt",
  w.schedule_failures AS "scheduleFailures", w.schedule_error AS "scheduleError",
  w.schedule_retry_at AS "scheduleRetryAt", w.automatic_updates AS "automaticUpdates", w.activity, ${HOLDS} AS holds`;

/** One row per workspace: each workspace references its latest build. */
const TABLES = Prisma.sql`
  workspaces w
  JOIN users owner ON owner.id = w.owner_id
  JOIN organizations o ON o.id = w.organization_id
  JOIN templates t ON t.id = w.template_id
  JOIN workspace_builds b ON b.id = w.latest_build_id
  JOIN provisioner_jobs j ON j.id = b.job_id`;

export function createWorkspaceStore(db: Database): WorkspaceStore {
  const favoriteOf = (userId: string) => Prisma.sql`
    EXISTS (SELECT 1 FROM workspace_favorites f WHERE f.workspace_id = w.id AND f.user_id = ${userId}::uuid)`;

  async function first(where: Prisma.Sql, viewerId: string): Promise<WorkspaceRow | undefined> {
    const rows = await db.$queryRaw<WorkspaceRow[]>`
      SELECT ${COLUMNS}, ${favoriteOf(viewerId)} AS favorite FROM ${TABLES} WHERE ${where}
      ORDER BY w.deleted, w.created_at DESC LIMIT 1`;
    return rows[0];
  }

  return {
    transaction: <T>(work: (tx: Transaction) => Promise<T>) => inTransaction(db, work),

    find: (id, includeDeleted, viewerId) =>
      first(Prisma.sql`w.id = ${id}::uuid AND (${includeDeleted} OR NOT w.deleted)`, viewerId),

    findByName: (ownerId, name, includeDeleted, viewerId) =>
      first(
        Prisma.sql`w.owner_id = ${ownerId}::uuid AND lower(w.name) = lower(${name}) AND (${includeDeleted} OR NOT w.deleted)`,
        viewerId,
      ),

    async list(viewer, filter, page, now) {
      const where = Prisma.join(
        [
          Prisma.sql`NOT w.deleted`,
          reachable(viewer.reach, REACH_COLUMNS),
          ...conditions(filter, viewer, now),
        ],
        " AND ",
      );
      const after = page.afterId
        ? Prisma.sql`WHERE position > (SELECT position FROM found WHERE id = ${page.afterId}::uuid)`
        : Prisma.empty;
      const usualOrder = Prisma.sql`${favoriteOf(viewer.userId)} DESC,
        (b.transition = 'start' AND ${SUCCEEDED}) DESC,
        (w.owner_id = ${viewer.userId}::uuid) DESC, lower(owner.username), lower(w.name)`;
      // Sort only ids: the wide rows are read for the page only.
      const rows = await db.$queryRaw<(WorkspaceRow & { total: number })[]>`
        WITH found AS (
          SELECT w.id, (count(*) OVER ())::int AS total,
            row_number() OVER (ORDER BY ${page.sort ? orderBy(page.sort) : usualOrder}, w.id) AS position
          FROM ${TABLES} WHERE ${where}
        ), page AS (
          SELECT id, total, position FROM found ${after} ORDER BY position LIMIT ${page.limit} OFFSET ${page.offset}
        )
        SELECT ${COLUMNS}, ${favoriteOf(viewer.userId)} AS favorite, page.total
        FROM ${TABLES} JOIN page ON page.id = w.id ORDER BY page.position`;
      if (rows.length > 0) return { rows, count: rows[0]!.total };
      if (page.offset === 0 && !page.afterId) return { rows, count: 0 };
      const [total] = await db.$queryRaw<
        { count: number }[]
      >`SELECT count(*)::int AS count FROM ${TABLES} WHERE ${where}`;
      return { rows, count: total?.count ?? 0 };
    },

    async insert(tx, workspace) {
      try {
        await tx.workspace.create({
          data: { ...workspace, lastUsedAt: workspace.createdAt, updatedAt: workspace.createdAt },
          select: { id: true },
        });
      } catch (error) {
        if (isUniqueViolation(error)) throw new WorkspaceNameTaken(workspace.name);
        throw error;
      }
    },

    async update(id, change, tx = db) {
      try {
        await tx.workspace.update({ where: { id }, data: change, select: { id: true } });
      } catch (error) {
        if (isUniqueViolation(error)) throw new WorkspaceNameTaken(change.name ?? "");
        throw error;
      }
    },

    async setDeadline(tx, buildId, deadline) {
      await tx.workspaceBuild.update({ where: { id: buildId }, data: { deadline }, select: { id: true } });
    },

    async setFavorite(userId, workspaceId, favorite) {
      const key = { userId, workspaceId };
      if (!favorite) await db.workspaceFavorite.deleteMany({ where: key });
      else await db.workspaceFavorite.createMany({ data: [key], skipDuplicates: true });
    },

    async sharedWith(workspaces) {
      const idsIn = (acl: "userAcl" | "groupAcl") => [
        ...new Set(workspaces.flatMap((row) => Object.keys(row[acl] as WorkspaceAcl))),
      ];
      const [userIds, groupIds] = [idsIn("userAcl"), idsIn("groupAcl")];
      if (userIds.length + groupIds.length === 0) return new Map();
      const actors = await db.$queryRaw<Omit<SharedActor, "roles">[]>`
        SELECT id, 'user' AS type, username AS name, avatar_url AS "avatarUrl" FROM users
        WHERE id = ANY(${userIds}::uuid[]) AND NOT deleted
        UNION ALL
        SELECT id, 'group', coalesce(nullif(display_name, ''), name), avatar_url FROM groups
        WHERE id = ANY(${groupIds}::uuid[])
        ORDER BY type DESC, name`;
      return new Map(
        workspaces.map((row) => {
          const acls = { user: row.userAcl as WorkspaceAcl, group: row.groupAcl as WorkspaceAcl };
          return [
            row.id,
            actors.flatMap((actor) => {
              const roles = acls[actor.type][actor.id];
              return roles ? [{ ...actor, roles }] : [];
            }),
          ];
        }),
      );
    },

    async hasAgent(workspaceId, agentId) {
      return (await db.workspaceAgent.count({ where: { id: agentId, workspaceId } })) > 0;
    },

    owner: (idOrName) =>
      db.user.findFirst({
        where: {
          deleted: false,
          ...(isUuid(idOrName) ? { id: idOrName } : { username: sameText(idOrName) }),
        },
        select: {
          id: true,
          username: true,
          isSystem: true,
          memberships: { select: { organizationId: true } },
        },
      }),

    template: (id) => db.template.findFirst({ where: { id, deleted: false } }),
    versionTemplate: (id) => db.templateVersion.findUnique({ where: { id }, select: { templateId: true } }),
  };
}

/** The columns of a workspace `w` that the policy asks for. */
const REACH_COLUMNS: ReachColumns = {
  id: Prisma.sql`w.id`,
  organization: Prisma.sql`w.organization_id`,
  owner: Prisma.sql`w.owner_id`,
  acl: {
    users: Prisma.sql`w.user_acl`,
    groups: Prisma.sql`w.group_acl`,
    roles: rolesAllowing("read", WORKSPACE_ACTIONS),
  },
};

const ORDERS: Record<WorkspaceOrder, Prisma.Sql> = {
  name: Prisma.sql`lower(w.name)`,
  owner: Prisma.sql`lower(owner.username)`,
  template: Prisma.sql`lower(coalesce(nullif(t.display_name, ''), t.name))`,
  // What runs, what changes, what failed, and what is stopped.
  status: Prisma.sql`CASE WHEN j.completed_at IS NULL THEN 1 WHEN NOT ${SUCCEEDED} THEN 2
    WHEN b.transition = 'start' THEN 0 ELSE 3 END`,
  last_used_at: Prisma.sql`w.last_used_at`,
  created_at: Prisma.sql`w.created_at`,
};

function orderBy(sort: WorkspaceSort): Prisma.Sql {
  const descending = sort.startsWith("-");
  const order = ORDERS[(descending ? sort.slice(1) : sort) as WorkspaceOrder];
  return Prisma.sql`${order} ${descending ? Prisma.sql`DESC` : Prisma.empty}, lower(w.name)`;
}

/** The condition that each field of a filter stands for. A field without one does not compile. */
const CONDITIONS: {
  [Field in keyof Required<WorkspaceFilter>]: (
    value: NonNullable<WorkspaceFilter[Field]>,
    at: { viewer: Viewer; now: Date },
  ) => Prisma.Sql | Prisma.Sql[];
} = {
  text: (text) => Prisma.sql`w.name ILIKE ${`%${likeText(text)}%`}`,
  name: (name) => Prisma.sql`w.name ILIKE ${`%${likeText(name)}%`}`,
  owner: (owner, { viewer }) =>
    owner === "me"
      ? Prisma.sql`w.owner_id = ${viewer.userId}::uuid`
      : Prisma.sql`(lower(owner.username) = lower(${owner}) OR owner.id::text = ${owner})`,
  template: (name) => Prisma.sql`lower(t.name) = lower(${name})`,
  templateId: (id) => Prisma.sql`t.id = ${id}::uuid`,
  organization: (nameOrId) => Prisma.sql`(lower(o.name) = lower(${nameOrId}) OR o.id::text = ${nameOrId})`,
  ids: (ids) => Prisma.sql`w.id = ANY(${ids}::uuid[])`,
  status: workspaceStatusCondition,
  outdated: (wanted) => Prisma.sql`(b.template_version_id <> ${ACTIVE_VERSION}) = ${wanted}`,
  dormant: (wanted) => Prisma.sql`(w.dormant_at IS NOT NULL) = ${wanted}`,
  sharedWithUser: (user, { viewer }) => Prisma.sql`EXISTS (SELECT 1 FROM users su
    WHERE w.user_acl ? su.id::text AND NOT su.deleted
      AND (lower(su.username) = lower(${user}) OR su.id::text = ${user === "me" ? viewer.userId : user}))`,
  sharedWithGroup: (group) => {
    // <organization>/<group>, a group of the default organization, or an id.
    const [name = "", organization] = group.split("/").reverse();
    const within = organization
      ? Prisma.sql`lower(so.name) = lower(${organization})`
      : Prisma.sql`so.is_default`;
    return Prisma.sql`EXISTS (SELECT 1 FROM groups sg JOIN organizations so ON so.id = sg.organization_id
      WHERE w.group_acl ? sg.id::text AND (sg.id::text = ${group} OR (lower(sg.name) = lower(${name}) AND ${within})))`;
  },
  shared: (wanted) => Prisma.sql`(w.user_acl <> '{}' OR w.group_acl <> '{}') = ${wanted}`,
  lastUsedBefore: (time) => Prisma.sql`w.last_used_at < ${time}`,
  lastUsedAfter: (time) => Prisma.sql`w.last_used_at > ${time}`,
  hasAgent: (status, { now }) => agentExists(connectionCondition(status, now)),
  hasExternalAgent: (wanted) => Prisma.sql`EXISTS (SELECT 1 FROM workspace_resources r
    WHERE r.job_id = b.job_id AND r.type = ${EXTERNAL_AGENT}) = ${wanted}`,
  healthy: (wanted, { now }) => {
    // As in convert/workspaces.ts: only a running workspace can be unhealthy.
    const failing = Prisma.sql`(${workspaceStatusCondition("running")} AND ${agentExists(unhealthyCondition(now))})`;
    return wanted ? Prisma.sql`NOT ${failing}` : failing;
  },
  parameters: (parameters) =>
    parameters.map(({ name, value }) => {
      const equal = value === undefined ? Prisma.empty : Prisma.sql`AND p.value = ${value}`;
      return Prisma.sql`EXISTS (SELECT 1 FROM workspace_build_parameters p
        WHERE p.build_id = b.id AND lower(p.name) = lower(${name}) ${equal})`;
    }),
};

function conditions(filter: WorkspaceFilter, viewer: Viewer, now: Date): Prisma.Sql[] {
  return Object.entries(filter).flatMap(([field, value]) => {
    if (value === undefined || value === "") return [];
    const condition = CONDITIONS[field as keyof WorkspaceFilter] as (
      value: unknown,
      at: { viewer: Viewer; now: Date },
    ) => Prisma.Sql | Prisma.Sql[];
    return condition(value, { viewer, now });
  });
}

/** Whether an agent of the workspace's resources fits. An agent inside a dev container comes and goes with it. */
function agentExists(condition: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`EXISTS (SELECT 1 FROM workspace_resources r JOIN workspace_agents a ON a.resource_id = r.id
    WHERE r.job_id = b.job_id AND a.parent_id IS NULL AND ${condition})`;
}

/** `workspaceStatus` of builds/status.ts, as a condition on build `b` and job `j`. */
function workspaceStatusCondition(status: WorkspaceStatus): Prisma.Sql {
  const both = (transition: "start" | "stop" | "delete", job: JobStatus) =>
    Prisma.sql`(b.transition = ${transition}::build_transition AND ${statusCondition(job)})`;
  switch (status) {
    case "starting":
      return both("start", "running");
    case "running":
      return both("start", "succeeded");
    case "stopping":
      return both("stop", "running");
    case "stopped":
      return both("stop", "succeeded");
    case "deleting":
      return both("delete", "running");
    case "deleted":
      return both("delete", "succeeded");
    default:
      return statusCondition(status);
  }
}
