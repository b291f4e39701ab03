import type { Database, Transaction } from "../database/client.js";

/** How long a change is kept: replicas read it within a second, or within minutes after an outage. */
export const CHANGES_KEPT_MS = 60 * 60_000;

/** The table `access_changes`, which triggers write: what decides about access and has changed. */
export type AccessChangeStore = {
  /**
   * Subjects of the changes that have been committed since the snapshot of an earlier answer; none without one. By
   * snapshots and not by time or number: a transaction that began early and committed late is missed by neither.
   */
  since(snapshot: string | undefined): Promise<{ snapshot: string; subjects: string[] }>;
};

export function createAccessChangeStore(db: Database): AccessChangeStore {
  return {
    async since(snapshot) {
      const rows = await db.$queryRaw<{ snapshot: string; subjects: string[] | null }[]>`
        SELECT pg_current_snapshot()::text AS snapshot, CASE WHEN ${snapshot ?? ""} <> '' THEN (
          SELECT array_agg(DISTINCT subject) FROM access_changes
          WHERE transaction >= pg_snapshot_xmin(nullif(${snapshot ?? ""}, '')::pg_snapshot)
            AND NOT pg_visible_in_snapshot(transaction, nullif(${snapshot ?? ""}, '')::pg_snapshot)
        ) END AS subjects`;
      const { snapshot: read, subjects } = rows[0]!;
      return { snapshot: read, subjects: subjects ?? [] };
    },
  };
}

/** Notes in the transaction that what these workspaces' agents may has changed. */
export async function workspacesChanged(
  tx: Pick<Transaction, "$executeRaw">,
  workspaceIds: readonly string[],
): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO access_changes (subject) SELECT 'workspace:' || id FROM unnest(${workspaceIds}::text[]) AS id`;
}
