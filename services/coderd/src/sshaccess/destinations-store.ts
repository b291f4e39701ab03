import type { Database } from "../database/client.js";
import type { Prisma } from "../database/gen/client.js";
import { sameText } from "../database/text.js";

/** What a host name leads to, and the facts that access to it depends on. */
export type SshDestination = {
  id: string;
  name: string;
  ownerName: string;
  ownerId: string;
  organizationId: string;
  userAcl: unknown;
  groupAcl: unknown;
  transition: "start" | "stop" | "delete";
  jobRunning: boolean;
  /** Of the latest build; those of dev containers have a parent. */
  agents: { id: string; name: string; parentId: string | null; sshHostPublicKey: string }[];
};

export type SshDestinationStore = {
  /** The owner's workspace of this name. */
  find(owner: { id: string } | { username: string }, workspace: string): Promise<SshDestination | undefined>;
};

const select = {
  id: true,
  name: true,
  ownerId: true,
  organizationId: true,
  userAcl: true,
  groupAcl: true,
  owner: { select: { username: true } },
  latestBuild: {
    select: {
      transition: true,
      job: {
        select: {
          completedAt: true,
          resources: {
            select: { agents: { select: { id: true, name: true, parentId: true, sshHostPublicKey: true } } },
          },
        },
      },
    },
  },
} satisfies Prisma.WorkspaceSelect;

export function createSshDestinationStore(db: Database): SshDestinationStore {
  return {
    async find(owner, workspace) {
      const row = await db.workspace.findFirst({
        where: {
          deleted: false,
          name: sameText(workspace),
          owner: "id" in owner ? owner : { username: sameText(owner.username), deleted: false },
        },
        select,
      });
      if (!row?.latestBuild) return undefined;
      const { owner: user, latestBuild, ...workspaceRow } = row;
      const { transition, job } = latestBuild;
      return {
        ...workspaceRow,
        ownerName: user.username,
        transition,
        jobRunning: job.completedAt === null,
        agents: job.resources.flatMap(({ agents }) => agents),
      };
    },
  };
}
