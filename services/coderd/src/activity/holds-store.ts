import { type Database, inTransaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { statusCondition } from "../provisionerjobs/predicates.js";

/** A job that was declared inside a workspace to keep it running. */
export type Hold = { name: string; createdAt: Date; expiresAt: Date };

/** What decides whether a workspace may be held, and until when. */
export type HoldScope = {
  buildId: string;
  maxDeadline: Date | null;
  /** The template counts holds as activity. */
  allowed: boolean;
  maxHoldMs: number;
  /** How many other holds of the workspace have not expired. */
  others: number;
};

/** Storage of the holds of running workspaces. All of them end with the workspace's build. */
export type HoldStore = {
  /** Holds that have not expired, by name. */
  list(workspaceId: string, now: Date): Promise<Hold[]>;
  /**
   * Stores the hold and moves the deadline, unless `decide` throws. The scope is undefined if the workspace is not
   * started. The workspace is locked meanwhile.
   */
  declare(
    workspaceId: string,
    name: string,
    now: Date,
    decide: (scope: HoldScope | undefined) => Date,
  ): Promise<Hold>;
  /**
   * Deletes this hold, or all of them. If one of them set the deadline, that is the former one again, but not earlier
   * than the template's activity bump from now.
   */
  release(workspaceId: string, name: string | undefined, now: Date): Promise<Hold[]>;
  /** Moves deadlines that are earlier than the end of a hold, and records the use of held workspaces. */
  follow(now: Date): Promise<void>;
};

type EndedHold = Hold & { formerDeadline: Date | null };

type Sql = Pick<Database, "$executeRaw" | "$queryRaw">;

/** How often the use of a held workspace is recorded. */
const USED_EVERY_MS = 5 * 60_000;

export function createHoldStore(db: Database): HoldStore {
  /** The holds' effect on the builds that fit: a hold counts while its template counts holds. */
  async function extend(tx: Sql, which: Prisma.Sql, now: Date): Promise<void> {
    await tx.$executeRaw`
      WITH held AS (
        SELECT h.build_id, h.workspace_id, max(h.expires_at) AS until FROM workspace_activity_holds h
        JOIN workspaces w ON w.latest_build_id = h.build_id JOIN templates t ON t.id = w.template_id
        WHERE h.expires_at > ${now} AND 'holds' = ANY(t.activity_kinds) AND ${which} GROUP BY 1, 2
      ), locked AS (
        -- Workspaces before builds, and both in order, as everybody locks them.
        SELECT id FROM workspaces WHERE id IN (SELECT workspace_id FROM held) ORDER BY id FOR NO KEY UPDATE
      ), used AS (
        UPDATE workspaces w SET last_used_at = ${now} FROM locked
        WHERE w.id = locked.id AND w.last_used_at < ${new Date(now.getTime() - USED_EVERY_MS)}
      ), behind AS (
        SELECT b.id, b.deadline AS former, LEAST(b.max_deadline, held.until) AS until
        FROM locked JOIN held ON held.workspace_id = locked.id JOIN workspace_builds b ON b.id = held.build_id
        WHERE b.deadline < LEAST(b.max_deadline, held.until) ORDER BY b.id FOR NO KEY UPDATE OF b
      ), remembered AS (
        UPDATE workspace_activity_holds h SET former_deadline = COALESCE(h.former_deadline, behind.former)
        FROM behind WHERE h.build_id = behind.id
      )
      UPDATE workspace_builds b SET deadline = behind.until FROM behind WHERE b.id = behind.id`;
  }

  /** Locks the workspace; its latest build, if it has one. */
  async function lock(tx: Sql, workspaceId: string): Promise<{ id: string } | undefined> {
    const rows = await tx.$queryRaw<{ id: string | null }[]>`
      SELECT latest_build_id AS id FROM workspaces WHERE id = ${workspaceId}::uuid FOR NO KEY UPDATE`;
    const id = rows[0]?.id;
    return id ? { id } : undefined;
  }

  const remove = (tx: Sql, buildId: string, which: Prisma.Sql) => tx.$queryRaw<EndedHold[]>`
    DELETE FROM workspace_activity_holds h WHERE h.build_id = ${buildId}::uuid AND ${which}
    RETURNING h.name, h.created_at AS "createdAt", h.expires_at AS "expiresAt",
      h.former_deadline AS "formerDeadline"`;

  return {
    list: (workspaceId, now) => db.$queryRaw<Hold[]>`
      SELECT h.name, h.created_at AS "createdAt", h.expires_at AS "expiresAt" FROM workspace_activity_holds h
      JOIN workspaces w ON w.latest_build_id = h.build_id
      WHERE w.id = ${workspaceId}::uuid AND h.expires_at > ${now} ORDER BY h.name`,

    declare: (workspaceId, name, now, decide) =>
      inTransaction(db, async (tx) => {
        await lock(tx, workspaceId);
        const [scope] = await tx.$queryRaw<HoldScope[]>`
          SELECT b.id AS "buildId", b.max_deadline AS "maxDeadline", 'holds' = ANY(t.activity_kinds) AS allowed,
            t.activity_max_hold_ms::float8 AS "maxHoldMs",
            (SELECT count(*)::int FROM workspace_activity_holds h
              WHERE h.build_id = b.id AND h.name <> ${name} AND h.expires_at > ${now}) AS others
          FROM workspaces w JOIN templates t ON t.id = w.template_id
          JOIN workspace_builds b ON b.id = w.latest_build_id JOIN provisioner_jobs j ON j.id = b.job_id
          WHERE w.id = ${workspaceId}::uuid AND NOT w.deleted AND b.transition = 'start'
            AND (${statusCondition("running")} OR ${statusCondition("succeeded")})`;
        const expiresAt = decide(scope);
        const { buildId } = scope!;
        const ended = await remove(tx, buildId, Prisma.sql`(h.name = ${name} OR h.expires_at <= ${now})`);
        const before = ended.find((hold) => hold.name === name);
        await tx.$executeRaw`
          INSERT INTO workspace_activity_holds (build_id, name, workspace_id, created_at, expires_at, former_deadline)
          SELECT ${buildId}::uuid, ${name}, ${workspaceId}::uuid, ${now}, ${expiresAt},
            COALESCE(${before?.formerDeadline ?? null}::timestamptz, (SELECT max(former_deadline)
              FROM workspace_activity_holds WHERE build_id = ${buildId}::uuid))`;
        await settle(tx, buildId, now, before ? [before] : []);
        return { name, createdAt: now, expiresAt };
      }),

    release: (workspaceId, name, now) =>
      inTransaction(db, async (tx) => {
        const build = await lock(tx, workspaceId);
        if (!build) return [];
        const which = name === undefined ? Prisma.sql`true` : Prisma.sql`h.name = ${name}`;
        const released = await remove(tx, build.id, which);
        await settle(tx, build.id, now, released);
        return released
          .filter(({ expiresAt }) => expiresAt > now)
          .map(({ formerDeadline: _, ...hold }) => hold)
          .sort((a, b) => a.name.localeCompare(b.name));
      }),

    follow: (now) => extend(db, Prisma.sql`true`, now),
  };

  /** Takes back what ended holds have added to the deadline, and adds what the present ones do. */
  async function settle(tx: Sql, buildId: string, now: Date, ended: readonly EndedHold[]): Promise<void> {
    const former = ended.flatMap(({ formerDeadline }) => formerDeadline ?? []);
    if (former.length > 0) {
      // A later deadline than any hold's end was set by its user, and stays.
      await tx.$executeRaw`
        UPDATE workspace_builds b SET deadline = LEAST(b.deadline, b.max_deadline, GREATEST(
          ${former[0]}::timestamptz, ${now}::timestamptz + t.activity_bump_ms * interval '1 millisecond'))
        FROM workspaces w JOIN templates t ON t.id = w.template_id
        WHERE b.id = ${buildId}::uuid AND w.id = b.workspace_id
          AND b.deadline <= ${new Date(Math.max(...ended.map(({ expiresAt }) => expiresAt.getTime())))}`;
    }
    await extend(tx, Prisma.sql`h.build_id = ${buildId}::uuid`, now);
  }
}
