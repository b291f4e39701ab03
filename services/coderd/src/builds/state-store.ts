import type { Database, Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import type { Dbcrypt } from "../dbcrypt/dbcrypt.js";

/** `build`: a build left it. `push`: a user stored it. `recovered`: a daemon delivered it after it lost the build. */
export type StateOrigin = "build" | "push" | "recovered";

/** One state of a workspace. */
export type StateVersion = {
  buildId: string;
  buildNumber: number;
  /** Counts the states of the build from 1. */
  version: number;
  origin: StateOrigin;
  authorId: string | null;
  authorName: string | null;
  createdAt: Date;
  /** Null if it is the build's state. */
  replacedAt: Date | null;
  /** Size as stored, in bytes; 0 if no resources are left or they were orphaned. */
  size: number;
};

export type NewState = {
  buildId: string;
  state: Uint8Array;
  origin: StateOrigin;
  authorId?: string;
};

/** The Terraform states of builds, encrypted at rest. What one state replaces is kept as a version. */
export type StateStore = {
  /** The state as of the build: its own, or that of the last earlier build that stored one. */
  asOf(
    workspaceId: string,
    buildNumber: number,
    tx?: Pick<Transaction, "$queryRaw">,
  ): Promise<Uint8Array | undefined>;
  /** One version of the build's state. */
  version(buildId: string, version: number): Promise<Uint8Array | undefined>;
  /** The workspace's states, newest first, at most MAX_VERSIONS. */
  list(workspaceId: string): Promise<StateVersion[]>;
  /** Stores a state that no build left. */
  replace(tx: Pick<Transaction, "$executeRaw">, state: NewState, now: Date): Promise<void>;
  /** Stores intermediate state, only while this daemon runs the build. */
  checkpoint(jobId: string, daemonId: string, state: Uint8Array, now: Date): Promise<void>;
  /**
   * The build of an ended job that this daemon had, with the build's own state, locked until the transaction ends.
   * Undefined if there is none.
   */
  lockEnded(
    tx: Pick<Transaction, "$queryRaw">,
    jobId: string,
    daemonId: string,
  ): Promise<{ buildId: string; state: Uint8Array | undefined } | undefined>;
};

/** Limits a list; more are kept only if the setting says so. */
export const MAX_VERSIONS = 1_000;

/** What encrypted states are bound to. */
const PLACE = "workspace_build_states.state";

/** The stored form of a state. */
export function sealState(
  crypt: Dbcrypt,
  state: Uint8Array,
): { state: Uint8Array<ArrayBuffer>; keyId: string | null } {
  return { state: crypt.seal(state, PLACE), keyId: state.length > 0 ? (crypt.keyId ?? null) : null };
}

/** A state from its stored form. */
export function openState(crypt: Dbcrypt, stored: Uint8Array): Uint8Array<ArrayBuffer> {
  return crypt.open(stored, PLACE);
}

/**
 * Parts of a WITH clause that store the states in `incoming` (build_id, state, key_id), and keep what they replace, unless
 * it is only an earlier point of the same build.
 */
export function storeStates(origin: StateOrigin, authorId: string | null, now: Date): Prisma.Sql {
  const replaces = Prisma.sql`(s.origin <> 'build' OR ${origin}::text <> 'build')`;
  return Prisma.sql`
    replaced AS (
      INSERT INTO workspace_build_state_versions (build_id, version, state, origin, author_id, key_id, created_at, replaced_at)
      SELECT s.build_id, s.version, s.state, s.origin, s.author_id, s.key_id, s.updated_at, ${now}
      FROM workspace_build_states s JOIN incoming i ON i.build_id = s.build_id WHERE ${replaces}
      ON CONFLICT DO NOTHING
    ), state AS (
      INSERT INTO workspace_build_states AS s (build_id, state, key_id, origin, author_id, updated_at)
      SELECT i.build_id, i.state, i.key_id, ${origin}, ${authorId}::uuid, ${now} FROM incoming i
      ON CONFLICT (build_id) DO UPDATE SET state = excluded.state, key_id = excluded.key_id, origin = excluded.origin,
        author_id = excluded.author_id, updated_at = excluded.updated_at,
        version = s.version + CASE WHEN ${replaces} THEN 1 ELSE 0 END
    )`;
}

export function createStateStore(db: Database, crypt: Dbcrypt): StateStore {
  const open = (stored: Uint8Array | null | undefined) => (stored ? openState(crypt, stored) : undefined);

  return {
    async asOf(workspaceId, buildNumber, tx = db) {
      const rows = await tx.$queryRaw<{ state: Uint8Array }[]>`
        SELECT s.state FROM workspace_build_states s JOIN workspace_builds b ON b.id = s.build_id
        WHERE b.workspace_id = ${workspaceId}::uuid AND b.build_number <= ${buildNumber}
        ORDER BY b.build_number DESC LIMIT 1`;
      return open(rows[0]?.state);
    },

    async version(buildId, version) {
      const rows = await db.$queryRaw<{ state: Uint8Array }[]>`
        SELECT state FROM workspace_build_states WHERE build_id = ${buildId}::uuid AND version = ${version}
        UNION ALL
        SELECT state FROM workspace_build_state_versions WHERE build_id = ${buildId}::uuid AND version = ${version}
        LIMIT 1`;
      return open(rows[0]?.state);
    },

    list(workspaceId) {
      return db.$queryRaw<StateVersion[]>`
        SELECT v.build_id AS "buildId", b.build_number AS "buildNumber", v.version, v.origin, v.author_id AS "authorId",
          u.username AS "authorName", v.created_at AS "createdAt", v.replaced_at AS "replacedAt", v.size
        FROM workspace_builds b JOIN (
          SELECT build_id, version, origin, author_id, updated_at AS created_at, NULL::timestamptz AS replaced_at,
            octet_length(state) AS size FROM workspace_build_states
          UNION ALL
          SELECT build_id, version, origin, author_id, created_at, replaced_at, octet_length(state)
          FROM workspace_build_state_versions
        ) v ON v.build_id = b.id LEFT JOIN users u ON u.id = v.author_id
        WHERE b.workspace_id = ${workspaceId}::uuid
        ORDER BY b.build_number DESC, v.version DESC LIMIT ${MAX_VERSIONS}`;
    },

    async replace(tx, { buildId, state, origin, authorId }, now) {
      const sealed = sealState(crypt, state);
      await tx.$executeRaw`
        WITH incoming AS (SELECT ${buildId}::uuid AS build_id, ${sealed.state}::bytea AS state, ${sealed.keyId}::text AS key_id),
        ${storeStates(origin, authorId ?? null, now)}
        SELECT 1`;
    },

    async checkpoint(jobId, daemonId, state, now) {
      const sealed = sealState(crypt, state);
      await db.$executeRaw`
        WITH incoming AS (
          SELECT b.id AS build_id, ${sealed.state}::bytea AS state, ${sealed.keyId}::text AS key_id FROM workspace_builds b
          JOIN provisioner_jobs j ON j.id = b.job_id
          WHERE j.id = ${jobId}::uuid AND j.worker_id = ${daemonId}::uuid AND j.completed_at IS NULL
        ), ${storeStates("build", null, now)}
        SELECT 1`;
    },

    async lockEnded(tx, jobId, daemonId) {
      const rows = await tx.$queryRaw<{ buildId: string; state: Uint8Array | null }[]>`
        SELECT b.id AS "buildId", s.state FROM provisioner_jobs j
        JOIN workspace_builds b ON b.job_id = j.id JOIN workspaces w ON w.id = b.workspace_id
        LEFT JOIN workspace_build_states s ON s.build_id = b.id
        WHERE j.id = ${jobId}::uuid AND j.worker_id = ${daemonId}::uuid AND j.completed_at IS NOT NULL
        FOR UPDATE OF w`;
      return rows[0] && { buildId: rows[0].buildId, state: open(rows[0].state) };
    },
  };
}
