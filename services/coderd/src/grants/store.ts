import type { Database, Transaction } from "../database/client.js";

/** How long changes are kept: replicas read them within a second, or within minutes after an outage. */
export const CHANGES_KEPT_MS = 60 * 60_000;

/** Reads the table `access_changes`, in which triggers record changes that affect access. */
export type AccessChangeStore = {
  /**
   * Subjects of changes committed since the snapshot of an earlier call; none if there is no snapshot. Uses snapshots
   * rather than time or sequence numbers, which would miss a transaction that began early and committed late.
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

/** Records in the transaction that what these workspaces' agents may access has changed. */
export async function workspacesChanged(
  tx: Pick<Transaction, "$executeRaw">,
  workspaceIds: readonly string[],
): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO access_changes (subject) SELECT 'workspace:' || id FROM unnest(${workspaceIds}::text[]) AS id`;
}
