import type { Database } from "../database/client.js";
import type { WorkspacePortShare } from "../database/gen/client.js";

export type PortShareRow = WorkspacePortShare;

/** What decides about the shares of a workspace's ports. */
export type PortShareWorkspace = {
  id: string;
  ownerId: string;
  organizationId: string;
  maxShareLevel: string;
  agentNames: string[];
};

/** The rows of shared ports. */
export type PortShareStore = {
  /** What decides about shares of its ports; undefined where it is deleted. */
  workspace(id: string): Promise<PortShareWorkspace | undefined>;
  /** The shares of the workspace. */
  list(workspaceId: string): Promise<PortShareRow[]>;
  /** Shares the port, or changes how. */
  upsert(share: PortShareRow): Promise<PortShareRow>;
  /** False where the port was not shared. */
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
