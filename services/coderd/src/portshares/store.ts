import type { WorkspaceAccess } from "../auth/workspace-access.js";
import type { Database } from "../database/client.js";
import type { WorkspacePortShare } from "../database/gen/client.js";

export type PortShareRow = WorkspacePortShare;

/** What authorization of a workspace's port shares depends on. */
export type PortShareWorkspace = WorkspaceAccess & {
  maxShareLevel: string;
  agentNames: string[];
};

/** Storage of shared ports. */
export type PortShareStore = {
  /** What authorization of its port shares depends on; undefined if the workspace is deleted. */
  workspace(id: string): Promise<PortShareWorkspace | undefined>;
  /** The shares of the workspace. */
  list(workspaceId: string): Promise<PortShareRow[]>;
  /** Shares the port or updates the share. */
  upsert(share: PortShareRow): Promise<PortShareRow>;
  /** Returns false if the port was not shared. */
  delete(workspaceId: string, agentName: string, port: number): Promise<boolean>;
};

export function createPortShareStore(db: Database): PortShareStore {
  return {
    async workspace(id) {
      const row = await db.workspace.findFirst({
        where: { id, deleted: false },
        select: {
          id: true,
          ownerId: true,
          organizationId: true,
          userAcl: true,
          groupAcl: true,
          template: { select: { maxPortShareLevel: true } },
          agents: { select: { name: true }, distinct: ["name"] },
        },
      });
      if (!row) return undefined;
      const { template, agents, ...workspace } = row;
      return {
        ...workspace,
        maxShareLevel: template.maxPortShareLevel,
        agentNames: agents.map(({ name }) => name),
      };
    },
    list: (workspaceId) =>
      db.workspacePortShare.findMany({ where: { workspaceId }, orderBy: { port: "asc" } }),
    upsert: ({ workspaceId, agentName, port, shareLevel, protocol }) =>
      db.workspacePortShare.upsert({
        where: { workspaceId_agentName_port: { workspaceId, agentName, port } },
        create: { workspaceId, agentName, port, shareLevel, protocol },
        update: { shareLevel, protocol },
      }),
    async delete(workspaceId, agentName, port) {
      return (await db.workspacePortShare.deleteMany({ where: { workspaceId, agentName, port } })).count > 0;
    },
  };
}
