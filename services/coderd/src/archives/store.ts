import type { Database, Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";

/** Stores archives in chunks, each once, under the hash of its bytes. */
export type ArchiveStore = {
  /** The organization of the import, if this daemon is running it. */
  organizationOf(importJobId: string, daemonId: string): Promise<string | undefined>;
  /** Those of the hashes that the organization has uploaded; they count as used now. */
  heldBy(organizationId: string, hashes: readonly string[], now: Date): Promise<string[]>;
  /** Bytes of all archives, of those that are being uploaded too. */
  totalBytes(): Promise<number>;
  /** Starts an archive, which has no hash until `finish`. */
  begin(size: number, now: Date): Promise<string>;
  append(id: string, position: number, data: Uint8Array): Promise<void>;
  /** Gives the archive its hash and its holder. If the same bytes are already stored, they get the holder instead. */
  finish(id: string, sha256: string, organizationId: string, now: Date): Promise<void>;
  discard(id: string): Promise<void>;
  /** The archive's id, if one of the organizations has uploaded it; undefined stands for all organizations. */
  find(sha256: string, organizationIds: readonly string[] | undefined): Promise<string | undefined>;
  /** Undefined after the last one. */
  chunk(id: string, position: number): Promise<Uint8Array | undefined>;
};

export function createArchiveStore(db: Database): ArchiveStore {
  return {
    async organizationOf(importJobId, daemonId) {
      const job = await db.provisionerJob.findFirst({
        where: {
          id: importJobId,
          workerId: daemonId,
          completedAt: null,
          type: "template_version_import",
        },
        select: { organizationId: true },
      });
      return job?.organizationId;
    },

    async heldBy(organizationId, hashes, now) {
      const held = { sha256: { in: [...hashes] }, holders: { some: { organizationId } } };
      await db.archive.updateMany({ where: held, data: { usedAt: now } });
      const rows = await db.archive.findMany({ where: held, select: { sha256: true } });
      return rows.map((row) => row.sha256!);
    },

    async totalBytes() {
      const { _sum } = await db.archive.aggregate({ _sum: { size: true } });
      return Number(_sum.size ?? 0);
    },

    async begin(size, now) {
      const row = await db.archive.create({
        data: { size: BigInt(size), createdAt: now, usedAt: now },
        select: { id: true },
      });
      return row.id;
    },

    async append(archiveId, position, data) {
      await db.archiveChunk.createMany({ data: [{ archiveId, position, data: new Uint8Array(data) }] });
    },

    async finish(id, sha256, organizationId, now) {
      const named = await db.$executeRaw`
        UPDATE archives SET sha256 = ${sha256}, used_at = ${now}
        WHERE id = ${id}::uuid AND NOT EXISTS (SELECT 1 FROM archives WHERE sha256 = ${sha256})`.catch(
        // Another upload of the same bytes was faster.
        (error) => (isUniqueViolation(error) ? 0 : Promise.reject(error)),
      );
      if (named === 0) await this.discard(id);
      await db.$executeRaw`
        WITH archive AS (UPDATE archives SET used_at = ${now} WHERE sha256 = ${sha256} RETURNING id)
        INSERT INTO archive_holders (archive_id, organization_id)
        SELECT id, ${organizationId}::uuid FROM archive ON CONFLICT DO NOTHING`;
    },

    async discard(id) {
      await db.archive.deleteMany({ where: { id } });
    },

    async find(sha256, organizationIds) {
      const row = await db.archive.findFirst({
        where: {
          sha256,
          ...(organizationIds && { holders: { some: { organizationId: { in: [...organizationIds] } } } }),
        },
        select: { id: true },
      });
      return row?.id;
    },

    async chunk(archiveId, position) {
      const row = await db.archiveChunk.findUnique({
        where: { archiveId_position: { archiveId, position } },
        select: { data: true },
      });
      return row?.data;
    },
  };
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && /23505|P2002/.test(JSON.stringify(error));
}

/**
 * Makes the version refer to these archives. False, and nothing is stored, if its organization does not hold all of
 * them: a daemon cannot make a version use bytes that it does not have.
 */
export async function referToArchives(
  tx: Transaction,
  templateVersionId: string,
  hashes: readonly string[],
): Promise<boolean> {
  const wanted = [...new Set(hashes)];
  await tx.templateVersionArchive.deleteMany({ where: { templateVersionId } });
  if (wanted.length === 0) return true;
  const held = await tx.$queryRaw<{ sha256: string }[]>`
    SELECT a.sha256 FROM archives a
    JOIN archive_holders h ON h.archive_id = a.id
    JOIN template_versions v ON v.organization_id = h.organization_id
    WHERE v.id = ${templateVersionId}::uuid AND a.sha256 = ANY(${wanted})
    FOR KEY SHARE OF a`;
  if (held.length !== wanted.length) return false;
  await tx.templateVersionArchive.createMany({
    data: wanted.map((sha256) => ({ templateVersionId, sha256 })),
  });
  return true;
}

/**
 * Deletes archives that nothing refers to and that no import has offered since `unusedSince`, and uploads that were
 * given up. A version counts until it is archived, its template deleted, or it was never promoted to one; and as long
 * as a workspace's latest build uses it. Returns how many were deleted.
 */
export function deleteUnusedArchives(db: Database, unusedSince: Date, limit: number): Promise<number> {
  return db.$executeRaw`
    DELETE FROM archives WHERE id IN (
      SELECT a.id FROM archives a
      WHERE a.used_at < ${unusedSince} AND NOT EXISTS (
        SELECT 1 FROM template_version_archives r
        JOIN template_versions v ON v.id = r.template_version_id
        LEFT JOIN templates t ON t.id = v.template_id
        WHERE r.sha256 = a.sha256 AND ((NOT v.archived AND t.deleted IS FALSE) OR EXISTS (
          SELECT 1 FROM workspace_builds b JOIN workspaces w ON w.latest_build_id = b.id
          WHERE b.template_version_id = v.id AND NOT w.deleted)))
      LIMIT ${limit})`;
}
