import { isUuid } from "@fleet/base";
import { type Database, isUniqueViolation } from "../database/client.js";
import type { ProvisionerDaemon, ProvisionerKey } from "../database/gen/client.js";
import { Prisma } from "../database/gen/client.js";
import { sameText } from "../database/text.js";
import { DAEMON_COVERS_JOB } from "../provisionerjobs/predicates.js";
import { type JobStatus, statusOf } from "../provisionerjobs/status.js";
import type { Tags } from "../provisionerjobs/tags.js";
import { ProvisionerKeyTaken } from "./errors.js";

export type ProvisionerKeyRow = ProvisionerKey;

export type DaemonRow = {
  id: string;
  organizationId: string;
  keyId: string;
  keyName: string | null;
  name: string;
  version: string;
  apiVersion: string;
  provisioners: string[];
  tags: Tags;
  createdAt: Date;
  lastSeenAt: Date | null;
  leftAt: Date | null;
  currentJob: DaemonJob | undefined;
  previousJob: DaemonJob | undefined;
};

export type DaemonJob = {
  id: string;
  status: JobStatus;
  templateName: string;
  templateIcon: string;
  templateDisplayName: string;
};

/** A problem that keeps a daemon from working, with a message that says what to do. */
export type DaemonWarning = { code: string; message: string };

export type RegisterDaemon = {
  id: string;
  organizationId: string;
  keyId: string;
  userId: string | null;
  name: string;
  version: string;
  provisioners: string[];
  tags: Tags;
  slots: number;
  warnings: DaemonWarning[];
};

export type DaemonFilter = {
  organizationId: string;
  ids?: string[] | undefined;
  tags?: Tags | undefined;
  limit: number;
};

/** What daemons register with: a key, and the user if it is a user's session. */
export type Credential = { keyId: string; userId: string | null };

/** Storage of provisioner daemons and their keys. */
export type DaemonStore = {
  /** Registers the daemon, and deletes offline daemons with the same name and key, and those of the key beyond a limit. */
  register(daemon: RegisterDaemon, now: Date, staleBefore: Date): Promise<void>;
  /** Replaces the warnings that the daemon reported. */
  warn(id: string, warnings: DaemonWarning[]): Promise<void>;
  /** Records that the daemon disconnected gracefully. */
  leave(id: string, now: Date): Promise<void>;
  /** What the daemon registered with, and as what. */
  keyOf(
    id: string,
  ): Promise<{ keyId: string; userId: string | null; organizationId: string; tags: Tags } | null>;
  /** The key, if its organization is not deleted. */
  findKey(secretHash: Uint8Array): Promise<ProvisionerKeyRow | null>;
  /** The organization's keys. */
  listKeys(organizationId: string): Promise<ProvisionerKeyRow[]>;
  /** @throws ProvisionerKeyTaken if the organization already has a key of this name. */
  insertKey(key: { organizationId: string; name: string; secretHash: Uint8Array; tags: Tags }): Promise<void>;
  /** Returns false if it does not exist. */
  deleteKey(organizationId: string, name: string): Promise<boolean>;
  /** The daemons, most recently seen first, each with its current and its previous job. */
  list(filter: DaemonFilter): Promise<DaemonRow[]>;
  /** Daemons seen since then that have not disconnected, by name. */
  listSeen(since: Date): Promise<ProvisionerDaemon[]>;
  /** Deletes daemons not seen since then and returns their count. */
  deleteUnseen(before: Date): Promise<number>;
  /**
   * The bytes of a file, if a job that one of the credential's daemons may run uses it; parameters are evaluated with
   * the files of jobs that have ended.
   */
  file(id: string, credential: Credential): Promise<Uint8Array | undefined>;
  /** By uuid or name. */
  organization(nameOrId: string): Promise<{ id: string } | null>;
};

/** Offline daemons kept for each key, so that one that makes up names cannot fill the table. */
export const OFFLINE_KEPT = 1_000;

export function createDaemonStore(db: Database): DaemonStore {
  return {
    async register(daemon, now, staleBefore) {
      const values = {
        ...daemon,
        tags: { ...daemon.tags },
        apiVersion: "1.0",
        lastSeenAt: now,
        leftAt: null,
      };
      await db.$transaction([
        db.provisionerDaemon.deleteMany({
          where: {
            organizationId: daemon.organizationId,
            name: daemon.name,
            keyId: daemon.keyId,
            userId: daemon.userId,
            id: { not: daemon.id },
            OR: [{ lastSeenAt: { lt: staleBefore } }, { leftAt: { not: null } }],
          },
        }),
        db.$executeRaw`
          DELETE FROM provisioner_daemons WHERE id IN (
            SELECT d.id FROM provisioner_daemons d
            WHERE d.key_id = ${daemon.keyId}::uuid AND d.user_id IS NOT DISTINCT FROM ${daemon.userId}::uuid
              AND (d.left_at IS NOT NULL OR d.last_seen_at < ${staleBefore})
            ORDER BY d.last_seen_at DESC NULLS LAST OFFSET ${OFFLINE_KEPT})`,
        db.provisionerDaemon.upsert({ where: { id: daemon.id }, create: values, update: values }),
      ]);
    },

    async warn(id, warnings) {
      await db.provisionerDaemon.updateMany({ where: { id }, data: { warnings } });
    },

    async leave(id, now) {
      await db.provisionerDaemon.updateMany({ where: { id }, data: { leftAt: now } });
    },

    async keyOf(id) {
      const daemon = await db.provisionerDaemon.findUnique({
        where: { id },
        select: { keyId: true, userId: true, organizationId: true, tags: true },
      });
      return daemon && { ...daemon, tags: daemon.tags as Tags };
    },

    findKey: (secretHash) =>
      db.provisionerKey.findUnique({
        where: { secretHash: new Uint8Array(secretHash), organization: { deleted: false } },
      }),

    listKeys: (organizationId) =>
      db.provisionerKey.findMany({ where: { organizationId }, orderBy: { createdAt: "asc" } }),

    async insertKey(key) {
      try {
        await db.provisionerKey.create({
          data: { ...key, secretHash: new Uint8Array(key.secretHash), tags: { ...key.tags } },
        });
      } catch (error) {
        if (isUniqueViolation(error, "name")) throw new ProvisionerKeyTaken(key.name);
        throw error;
      }
    },

    async deleteKey(organizationId, name) {
      return (await db.provisionerKey.deleteMany({ where: { organizationId, name } })).count > 0;
    },

    async list(filter) {
      const conditions = [Prisma.sql`d.organization_id = ${filter.organizationId}::uuid`];
      if (filter.ids) conditions.push(Prisma.sql`d.id = ANY(${filter.ids}::uuid[])`);
      if (filter.tags) conditions.push(Prisma.sql`d.tags @> ${JSON.stringify(filter.tags)}::jsonb`);
      const job = (ended: Prisma.Sql, order: Prisma.Sql) => Prisma.sql`LATERAL (
        SELECT jsonb_build_object('id', j.id, 'startedAt', j.started_at, 'completedAt', j.completed_at,
          'canceledAt', j.canceled_at, 'error', j.error, 'templateName', COALESCE(t.name, ''),
          'templateIcon', COALESCE(t.icon, ''), 'templateDisplayName', COALESCE(t.display_name, '')) AS job
        FROM provisioner_jobs j
        LEFT JOIN workspace_builds b ON b.job_id = j.id
        LEFT JOIN template_versions v ON v.id = COALESCE(b.template_version_id, (j.input->>'template_version_id')::uuid)
        LEFT JOIN templates t ON t.id = v.template_id
        WHERE j.worker_id = d.id AND j.completed_at ${ended} ORDER BY ${order} DESC LIMIT 1)`;
      type Row = Omit<DaemonRow, "currentJob" | "previousJob"> & {
        current: JobJson | null;
        previous: JobJson | null;
      };
      const rows = await db.$queryRaw<Row[]>`
        SELECT d.id, d.organization_id AS "organizationId", d.key_id AS "keyId", k.name AS "keyName", d.name, d.version,
          d.api_version AS "apiVersion", d.provisioners, d.tags, d.created_at AS "createdAt",
          d.last_seen_at AS "lastSeenAt", d.left_at AS "leftAt", current.job AS current, previous.job AS previous
        FROM provisioner_daemons d
        LEFT JOIN provisioner_keys k ON k.id = d.key_id
        LEFT JOIN ${job(Prisma.sql`IS NULL`, Prisma.sql`j.started_at`)} current ON true
        LEFT JOIN ${job(Prisma.sql`IS NOT NULL`, Prisma.sql`j.completed_at`)} previous ON true
        WHERE ${Prisma.join(conditions, " AND ")}
        ORDER BY d.last_seen_at DESC NULLS LAST, d.name LIMIT ${filter.limit}`;
      return rows.map(({ current, previous, ...row }) => ({
        ...row,
        currentJob: current ? toJob(current) : undefined,
        previousJob: previous ? toJob(previous) : undefined,
      }));
    },

    /** Deletes daemons not seen since then. */
    listSeen: (since) =>
      db.provisionerDaemon.findMany({
        where: { leftAt: null, lastSeenAt: { gt: since } },
        orderBy: { name: "asc" },
      }),
    async deleteUnseen(before) {
      return (await db.provisionerDaemon.deleteMany({ where: { lastSeenAt: { lt: before } } })).count;
    },

    async file(id, { keyId, userId }) {
      const rows = await db.$queryRaw<{ data: Uint8Array }[]>`
        SELECT f.data FROM files f WHERE f.id = ${id}::uuid AND EXISTS (
          SELECT 1 FROM provisioner_jobs j, provisioner_daemons d
          WHERE j.file_id = f.id AND d.key_id = ${keyId}::uuid AND d.user_id IS NOT DISTINCT FROM ${userId}::uuid
            AND d.left_at IS NULL AND ${DAEMON_COVERS_JOB})`;
      return rows[0]?.data;
    },

    organization: (nameOrId) =>
      db.organization.findFirst({
        where: {
          deleted: false,
          ...(nameOrId === "" || nameOrId === "default"
            ? { isDefault: true }
            : isUuid(nameOrId)
              ? { id: nameOrId }
              : { name: sameText(nameOrId) }),
        },
        select: { id: true },
      }),
  };
}

type JobJson = {
  id: string;
  startedAt: string | null;
  completedAt: string | null;
  canceledAt: string | null;
  error: string | null;
  templateName: string;
  templateIcon: string;
  templateDisplayName: string;
};

function toJob({ startedAt, completedAt, canceledAt, error, ...job }: JobJson): DaemonJob {
  const date = (text: string | null) => (text ? new Date(text) : null);
  const times = {
    startedAt: date(startedAt),
    completedAt: date(completedAt),
    canceledAt: date(canceledAt),
    error,
  };
  return { ...job, status: statusOf(times) };
}
