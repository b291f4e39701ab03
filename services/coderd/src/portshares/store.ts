import type { Database } from "../database/client.js";
import type { WorkspacePortShare } from "../database/gen/client.js";

export type PortShareRow = WorkspacePortShare;
export type PortShareStore = ReturnType<typeof createPortShareStore>;

export function createPortShareStore(db: Database) {
  return {
    async workspace(id: string) {
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
    list: (workspaceId: string) =>
      db.workspacePortShare.findMany({ where: { workspaceId }, orderBy: { port: "asc" } }),
    upsert: ({ workspaceId, agentName, port, shareLevel, protocol }: PortShareRow) =>
      db.workspacePortShare.upsert({
        where: { workspaceId_agentName_port: { workspaceId, agentName, port } },
        create: { workspaceId, agentName, port, shareLevel, protocol },
        update: { shareLevel, protocol },
      }),
    async delete(workspaceId: string, agentName: string, port: number): Promise<boolean> {
      return (await db.workspacePortShare.deleteMany({ where: { workspaceId, agentName, port } })).count > 0;
    },
  };
}
