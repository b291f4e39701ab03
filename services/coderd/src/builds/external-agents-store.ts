import { REPLACED } from "../agents/predicates.js";
import type { WorkspaceAccess } from "../auth/workspace-access.js";
import type { Database } from "../database/client.js";
import { EXTERNAL_AGENT } from "../resources/types.js";

export type ExternalAgent = {
  agentName: string;
  operatingSystem: string;
  architecture: string;
  /** Null if the agent authenticates by its machine's identity. */
  tokenHash: Uint8Array | null;
  buildNumber: number;
};

/** Storage of agents that users start on machines of their own. */
export type ExternalAgentStore = {
  workspace(id: string): Promise<WorkspaceAccess | null>;
  /** Those of the workspace's latest build that has any. */
  list(workspaceId: string): Promise<ExternalAgent[]>;
};

export function createExternalAgentStore(db: Database): ExternalAgentStore {
  return {
    workspace: (id) =>
      db.workspace.findFirst({
        where: { id, deleted: false },
        select: { id: true, ownerId: true, organizationId: true, userAcl: true, groupAcl: true },
      }),

    list: (workspaceId) =>
      db.$queryRaw<ExternalAgent[]>`
        SELECT a.name AS "agentName", a.operating_system AS "operatingSystem", a.architecture,
          a.token_hash AS "tokenHash", b.build_number AS "buildNumber"
        FROM workspace_agents a
        JOIN workspace_resources r ON r.id = a.resource_id AND r.type = ${EXTERNAL_AGENT}
        JOIN workspace_builds b ON b.job_id = r.job_id
        WHERE a.workspace_id = ${workspaceId}::uuid AND a.parent_id IS NULL AND NOT ${REPLACED}
        ORDER BY b.build_number DESC, a.name`,
  };
}
