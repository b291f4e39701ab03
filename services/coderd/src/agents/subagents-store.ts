import type { ShareLevel } from "../auth/share-level.js";
import { type Database, inTransaction } from "../database/client.js";
import { workspacesChanged } from "../grants/store.js";

export type SubAgentApp = {
  slug: string;
  displayName: string;
  url: string;
  command: string;
  icon: string;
  external: boolean;
  subdomain: boolean;
  hidden: boolean;
  sharingLevel: ShareLevel;
  openIn: string;
  group: string;
  displayOrder: number;
};

/** An agent in a dev container that the template does not declare. */
export type NewSubAgent = {
  name: string;
  directory: string;
  operatingSystem: string;
  architecture: string;
  displayApps: string[];
  apps: SubAgentApp[];
};

/** The agent that starts a dev container. */
export type ParentAgent = {
  workspaceId: string;
  resourceId: string;
  isSubAgent: boolean;
  /** Agents in dev containers that the template declares. */
  declared: string[];
  maxShareLevel: ShareLevel;
  /** Every agent of the same build but the parent, with its parent. */
  others: { id: string; name: string; parentId: string | null }[];
};

/** Storage of the agents in dev containers. */
export type SubAgentStore = {
  /** Runs the work while no other call changes the agents of the parent. */
  ofParent<T>(
    parentId: string,
    work: (parent: ParentAgent, writes: SubAgentWrites) => Promise<T>,
  ): Promise<T>;
};

export type SubAgentWrites = {
  setToken(id: string, tokenHash: Uint8Array, directory: string): Promise<void>;
  /** @returns the agent's id. */
  insert(parent: ParentAgent, agent: NewSubAgent, tokenHash: Uint8Array): Promise<string>;
  update(id: string, agent: NewSubAgent): Promise<void>;
  /** Makes the token void. */
  end(id: string, now: Date): Promise<void>;
  delete(id: string): Promise<void>;
};

export function createSubAgentStore(db: Database): SubAgentStore {
  return {
    ofParent: (parentId, work) =>
      inTransaction(db, async (tx) => {
        const [locked] = await tx.$queryRaw<Omit<ParentAgent, "others">[]>`
          SELECT a.workspace_id AS "workspaceId", a.resource_id AS "resourceId", a.parent_id IS NOT NULL AS "isSubAgent",
            ARRAY(SELECT d->>'subagent_id' FROM jsonb_array_elements(a.devcontainers) AS d) AS declared,
            t.max_port_share_level AS "maxShareLevel"
          FROM workspace_agents a JOIN workspaces w ON w.id = a.workspace_id JOIN templates t ON t.id = w.template_id
          WHERE a.id = ${parentId}::uuid FOR UPDATE OF a`;
        const others = await tx.$queryRaw<ParentAgent["others"]>`
          SELECT a.id, a.name, a.parent_id AS "parentId" FROM workspace_agents a
          JOIN workspace_resources r ON r.id = a.resource_id
          WHERE a.id <> ${parentId}::uuid
            AND r.job_id = (SELECT job_id FROM workspace_resources WHERE id = ${locked!.resourceId}::uuid)`;
        // What the agents' open streams may do changes with their tokens.
        await workspacesChanged(tx, [locked!.workspaceId]);
        const writeApps = (agentId: string, apps: readonly SubAgentApp[]) =>
          tx.workspaceApp.createMany({ data: apps.map((app) => ({ agentId, ...app })) });
        return work(
          { ...locked!, others },
          {
            async setToken(id, tokenHash, directory) {
              const again = { disconnectedAt: null, lifecycleState: "created" };
              await tx.workspaceAgent.update({
                where: { id },
                data: { tokenHash: new Uint8Array(tokenHash), directory, ...again },
              });
            },
            async insert(parent, { apps, ...agent }, tokenHash) {
              const { workspaceId, resourceId } = parent;
              const { id } = await tx.workspaceAgent.create({
                data: { workspaceId, resourceId, parentId, ...agent, tokenHash: new Uint8Array(tokenHash) },
                select: { id: true },
              });
              await writeApps(id, apps);
              return id;
            },
            async update(id, { apps, ...agent }) {
              await tx.workspaceAgent.update({ where: { id }, data: agent });
              await tx.workspaceApp.deleteMany({ where: { agentId: id } });
              await writeApps(id, apps);
            },
            async end(id, now) {
              await tx.workspaceAgent.update({
                where: { id },
                data: { tokenHash: null, disconnectedAt: now, lifecycleState: "off" },
              });
            },
            async delete(id) {
              await tx.workspaceAgent.delete({ where: { id } });
            },
          },
        );
      }),
  };
}
