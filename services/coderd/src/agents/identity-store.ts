import type { Database } from "../database/client.js";
import { REPLACED } from "./predicates.js";

/** An agent that authenticates by its machine. */
export type MachineAgent = { agentId: string; agentName: string; buildId: string };

/** Storage of agents that authenticate by their machine's identity. */
export type IdentityStore = {
  /** Those of the instance in its newest build, unless a later build of the workspace has replaced it. */
  ofInstance(instanceId: string): Promise<MachineAgent[]>;
  /** Lets the agent authenticate by this token. */
  setToken(agentId: string, tokenHash: Uint8Array): Promise<void>;
};

export function createIdentityStore(db: Database): IdentityStore {
  return {
    async ofInstance(instanceId) {
      const rows = await db.$queryRaw<MachineAgent[]>`
        SELECT a.id AS "agentId", a.name AS "agentName", b.id AS "buildId"
        FROM workspace_agents a
        JOIN workspace_resources r ON r.id = a.resource_id
        JOIN workspace_builds b ON b.job_id = r.job_id
        JOIN workspaces w ON w.id = b.workspace_id AND NOT w.deleted
        WHERE a.instance_id = ${instanceId} AND a.workspace_id IS NOT NULL AND NOT ${REPLACED}
        ORDER BY b.created_at DESC, b.build_number DESC, a.name`;
      return rows.filter(({ buildId }) => buildId === rows[0]!.buildId);
    },

    async setToken(agentId, tokenHash) {
      await db.$executeRaw`
        UPDATE workspace_agents SET token_hash = ${tokenHash}
        WHERE id = ${agentId}::uuid AND instance_id IS NOT NULL AND token_hash IS DISTINCT FROM ${tokenHash}`;
    },
  };
}
