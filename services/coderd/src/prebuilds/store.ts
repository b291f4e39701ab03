import { connectionCondition } from "../agents/predicates.js";
import { PREBUILDS_USER_ID, PREBUILDS_USERNAME } from "../auth/system-users.js";
import { type Database, inTransaction, type Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { JOB_STATUS, SUCCEEDED } from "../provisionerjobs/predicates.js";
import { ACTIVE_VERSION } from "../rollouts/predicates.js";
import type { PresetFacts } from "./decide.js";

/** A preset that wants or has prebuilds. */
export type PresetState = PresetFacts & {
  id: string;
  name: string;
  /** normal or hard_limited. */
  status: string;
  versionId: string;
  versionName: string;
  templateId: string;
  templateName: string;
  organizationId: string;
};

export type NewPrebuild = {
  id: string;
  name: string;
  organizationId: string;
  templateId: string;
  createdAt: Date;
};

export type InvalidatedPreset = { templateName: string; versionName: string; presetName: string };

/** Attempts per preset that decisions look at. */
const ATTEMPTS = 50;
const SETTINGS_KEY = "prebuilds_settings";
/** The group by which the quota of prebuilds is set; upstream's name. */
const GROUP = { name: "coderprebuiltworkspaces", displayName: "Prebuilt Workspaces" };

/** Storage of prebuilds: workspaces that the prebuilds user owns. */
export type PrebuildStore = {
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** The presets that want or have prebuilds, with these, as of one moment. */
  presets(): Promise<PresetState[]>;
  /** One of them, while nothing else creates prebuilds of it. Undefined if it neither wants nor has any. */
  lockPreset(tx: Transaction, id: string): Promise<PresetState | undefined>;
  /** False if the preset has this status already. */
  setStatus(tx: Transaction, id: string, status: "normal" | "hard_limited"): Promise<boolean>;
  /** Inserts the workspace, and its owner if this is the first prebuild of the organization. */
  insert(tx: Transaction, prebuild: NewPrebuild): Promise<void>;
  /**
   * The oldest prebuild that can be claimed: running, ready, not expired. In a transaction that will claim it, those that
   * others are claiming are skipped, and it is locked.
   */
  claimable(claim: Claimable, now: Date, tx?: Transaction): Promise<string | undefined>;
  /** Marks the prebuilds of the template's active version as to be replaced. */
  invalidate(templateId: string, now: Date): Promise<InvalidatedPreset[]>;
  paused(): Promise<boolean>;
  /** False if this was the setting already. */
  setPaused(paused: boolean): Promise<boolean>;
};

export type Claimable = {
  presetId: string;
  /** The claim asked for the version; otherwise it has to be the workspace's active one. */
  anyVersion: boolean;
};

export function createPrebuildStore(db: Database): PrebuildStore {
  const select = (tx: Pick<Transaction, "$queryRaw">, which: Prisma.Sql) => tx.$queryRaw<PresetState[]>`
    WITH prebuild AS (
      SELECT first.preset_id, jsonb_agg(jsonb_build_object('id', w.id, 'createdAtMs', ${ms("w.created_at")},
        'transition', b.transition, 'status', ${JOB_STATUS}, 'jobId', j.id, 'endedAtMs', ${ms("j.completed_at")})
        ORDER BY w.created_at, w.id) AS prebuilds
      FROM workspaces w
      JOIN workspace_builds first ON first.workspace_id = w.id AND first.build_number = 1
      JOIN workspace_builds b ON b.id = w.latest_build_id
      JOIN provisioner_jobs j ON j.id = b.job_id
      WHERE w.owner_id = ${PREBUILDS_USER_ID}::uuid AND NOT w.deleted
      GROUP BY 1
    )
    SELECT p.id, p.name, p.prebuild_status AS status, p.prebuild_instances AS instances,
      p.prebuild_ttl_seconds::float8 AS "ttlSeconds", p.prebuild_timezone AS timezone, p.prebuild_schedules AS schedules,
      ${ms("p.last_invalidated_at")}::float8 AS "invalidatedAtMs",
      v.id AS "versionId", v.name AS "versionName", t.id AS "templateId", t.name AS "templateName",
      t.organization_id AS "organizationId",
      ${ACTIVE} AS active,
      COALESCE(prebuild.prebuilds, '[]') AS prebuilds,
      COALESCE((
        SELECT jsonb_agg(jsonb_build_object('failed', COALESCE(r.error, '') <> '', 'endedAtMs', ${ms("r.completed_at")})
          ORDER BY r.completed_at DESC)
        FROM (
          SELECT j.error, j.completed_at FROM workspace_builds b JOIN provisioner_jobs j ON j.id = b.job_id
          WHERE b.preset_id = p.id AND b.build_number = 1 AND b.initiator_id = ${PREBUILDS_USER_ID}::uuid
            AND j.completed_at IS NOT NULL AND j.canceled_at IS NULL
            AND j.completed_at > COALESCE(p.last_invalidated_at, '-infinity'::timestamptz)
          ORDER BY j.completed_at DESC LIMIT ${ATTEMPTS}
        ) r), '[]') AS attempts
    FROM template_version_presets p
    JOIN template_versions v ON v.id = p.template_version_id
    JOIN templates t ON t.id = v.template_id
    JOIN organizations o ON o.id = t.organization_id
    LEFT JOIN prebuild ON prebuild.preset_id = p.id
    WHERE ${which} AND (prebuild.preset_id IS NOT NULL
      OR (v.id = t.active_version_id AND (p.prebuild_instances > 0 OR p.prebuild_schedules <> '[]')))
    ORDER BY t.name, p.name, p.id`;

  async function paused(): Promise<boolean> {
    const row = await db.siteConfig.findUnique({ where: { key: SETTINGS_KEY } });
    return row !== null && (JSON.parse(row.value) as { paused?: boolean }).paused === true;
  }

  return {
    transaction: <T>(work: (tx: Transaction) => Promise<T>) => inTransaction(db, work),
    presets: () => select(db, Prisma.sql`true`),

    async lockPreset(tx, id) {
      // A preset that another replica is creating a prebuild of is not waited for: that replica creates all of them.
      const locked = await tx.$queryRaw<unknown[]>`
        SELECT 1 FROM template_version_presets WHERE id = ${id}::uuid FOR NO KEY UPDATE SKIP LOCKED`;
      if (locked.length === 0) return undefined;
      return (await select(tx, Prisma.sql`p.id = ${id}::uuid`))[0];
    },

    async setStatus(tx, id, status) {
      const count = await tx.$executeRaw`
        UPDATE template_version_presets SET prebuild_status = ${status}
        WHERE id = ${id}::uuid AND prebuild_status <> ${status}`;
      return count > 0;
    },

    async insert(tx, { organizationId, ...prebuild }) {
      await ensureOwner(tx, organizationId);
      const data = { ...prebuild, organizationId, ownerId: PREBUILDS_USER_ID };
      await tx.workspace.create({
        data: { ...data, lastUsedAt: prebuild.createdAt, updatedAt: prebuild.createdAt },
        select: { id: true },
      });
    },

    async claimable({ presetId, anyVersion }, now, tx) {
      const lock = tx ? Prisma.sql`FOR UPDATE OF w SKIP LOCKED` : Prisma.empty;
      const rows = await (tx ?? db).$queryRaw<{ id: string }[]>`
        SELECT w.id FROM workspaces w
        JOIN templates t ON t.id = w.template_id
        JOIN workspace_builds b ON b.id = w.latest_build_id
        JOIN provisioner_jobs j ON j.id = b.job_id
        JOIN template_version_presets p ON p.id = b.preset_id
        WHERE w.owner_id = ${PREBUILDS_USER_ID}::uuid AND NOT w.deleted AND w.dormant_at IS NULL
          AND b.preset_id = ${presetId}::uuid AND b.transition = 'start' AND ${SUCCEEDED}
          AND (${anyVersion} OR b.template_version_id = ${ACTIVE_VERSION})
          AND w.created_at > COALESCE(p.last_invalidated_at, '-infinity'::timestamptz)
          AND (p.prebuild_ttl_seconds <= 0 OR w.created_at + p.prebuild_ttl_seconds * interval '1 second' > ${now})
          AND NOT EXISTS (SELECT 1 FROM workspace_resources r JOIN workspace_agents a ON a.resource_id = r.id
            WHERE r.job_id = b.job_id AND a.parent_id IS NULL
              AND NOT (a.lifecycle_state = 'ready' AND ${connectionCondition("connected", now)}))
        ORDER BY w.created_at, w.id LIMIT 1 ${lock}`;
      return rows[0]?.id;
    },

    invalidate: (templateId, now) => db.$queryRaw<InvalidatedPreset[]>`
      UPDATE template_version_presets p SET last_invalidated_at = ${now}, prebuild_status = 'normal'
      FROM template_versions v JOIN templates t ON t.id = v.template_id
      WHERE t.id = ${templateId}::uuid AND v.id = t.active_version_id AND p.template_version_id = v.id
        AND (p.prebuild_instances > 0 OR p.prebuild_schedules <> '[]')
      RETURNING t.name AS "templateName", v.name AS "versionName", p.name AS "presetName"`,

    paused,

    async setPaused(value) {
      if ((await paused()) === value) return false;
      const stored = JSON.stringify({ paused: value });
      await db.siteConfig.upsert({
        where: { key: SETTINGS_KEY },
        create: { key: SETTINGS_KEY, value: stored },
        update: { value: stored },
      });
      return true;
    },
  };
}

/** Workspaces of the preset can be created. */
const ACTIVE = Prisma.sql`(v.id = t.active_version_id AND NOT v.archived AND NOT t.deleted
  AND t.deprecation_message = '' AND NOT o.deleted)`;

/** A time as milliseconds, for JSON. */
function ms(column: string): Prisma.Sql {
  return Prisma.sql`floor(extract(epoch FROM ${Prisma.raw(column)}) * 1000)`;
}

/** Creates the user that owns prebuilds, its membership, and the group that gives it its quota. */
async function ensureOwner(tx: Transaction, organizationId: string): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO users (id, email, username, name, status, login_type, is_system, created_at, updated_at)
    VALUES (${PREBUILDS_USER_ID}::uuid, 'prebuilds@system', ${PREBUILDS_USERNAME}, 'Prebuilds Owner', 'suspended', 'none',
      true, now(), now())
    ON CONFLICT (id) DO NOTHING`;
  await tx.$executeRaw`
    INSERT INTO organization_members (organization_id, user_id, created_at, updated_at)
    VALUES (${organizationId}::uuid, ${PREBUILDS_USER_ID}::uuid, now(), now()) ON CONFLICT DO NOTHING`;
  await tx.$executeRaw`
    INSERT INTO groups (id, organization_id, name, display_name)
    VALUES (gen_random_uuid(), ${organizationId}::uuid, ${GROUP.name}, ${GROUP.displayName}) ON CONFLICT DO NOTHING`;
  await tx.$executeRaw`
    INSERT INTO group_members (group_id, user_id)
    SELECT g.id, ${PREBUILDS_USER_ID}::uuid FROM groups g
    WHERE g.organization_id = ${organizationId}::uuid AND g.name = ${GROUP.name} ON CONFLICT DO NOTHING`;
}
