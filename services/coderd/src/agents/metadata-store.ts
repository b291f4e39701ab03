import type { Database } from "../database/client.js";

/** The value an agent collected for one metadata item. */
export type MetadataValue = { value: string; error: string; collectedAt: Date };

/** A metadata item as declared in the template, with its stored value. */
export type StoredMetadata = {
  key: string;
  displayName: string;
  script: string;
  intervalSeconds: number;
  timeoutSeconds: number;
  value: string;
  error: string;
  collectedAt: Date | null;
};

export type MetadataStore = {
  /** The agent's items in template order. */
  items(agentId: string): Promise<StoredMetadata[]>;
  /** Writes values, of any number of agents, in one statement. */
  write(values: readonly ({ agentId: string; key: string } & MetadataValue)[]): Promise<void>;
};

export function createMetadataStore(db: Database): MetadataStore {
  return {
    async items(agentId) {
      const rows = await db.workspaceAgentMetadata.findMany({
        where: { agentId },
        orderBy: [{ displayOrder: "asc" }, { key: "asc" }],
      });
      return rows.map((row) => ({
        ...row,
        intervalSeconds: Number(row.intervalSeconds),
        timeoutSeconds: Number(row.timeoutSeconds),
      }));
    },
    async write(values) {
      await db.$executeRaw`
        UPDATE workspace_agent_metadata m
        SET value = v.value, error = v.error, collected_at = v.collected_at
        FROM unnest(${values.map((v) => v.agentId)}::uuid[], ${values.map((v) => v.key)}::text[],
                    ${values.map((v) => v.value)}::text[], ${values.map((v) => v.error)}::text[],
                    ${values.map((v) => v.collectedAt)}::timestamptz[]) AS v(agent_id, key, value, error, collected_at)
        WHERE m.agent_id = v.agent_id AND m.key = v.key`;
    },
  };
}
