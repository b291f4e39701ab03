import { isUuid } from "@fleet/base";
import type { Database } from "../database/client.js";
import type { Prisma } from "../database/gen/client.js";
import { sameText } from "../database/text.js";

/** The target of an app address, and the facts that access to it depends on. */
export type AppLookup = {
  workspaceId: string;
  workspaceName: string;
  ownerId: string;
  ownerName: string;
  organizationId: string;
  userAcl: unknown;
  groupAcl: unknown;
  /** Apps of the template handle CORS requests themselves. */
  corsPassthru: boolean;
  transition: "start" | "stop" | "delete";
  jobRunning: boolean;
  agents: AppAgent[];
};

export type AppAgent = {
  id: string;
  name: string;
  createdAt: Date;
  firstConnectedAt: Date | null;
  lastConnectedAt: Date | null;
  disconnectedAt: Date | null;
  connectionTimeoutSeconds: number;
  apps: AppRow[];
};

export type AppRow = {
  id: string;
  slug: string;
  url: string;
  external: boolean;
  subdomain: boolean;
  sharingLevel: string;
};

/** A shared port, with the template's maximum share level. */
export type PortShare = { shareLevel: string; maxShareLevel: string; protocol: string };

/** Looks up app addresses. */
export type AppStore = {
  /** Finds a workspace by owner and workspace, each by name or id, with the agents of its latest start. */
  find(owner: string, workspace: string): Promise<AppLookup | undefined>;
  /** As `find`, by workspace id. */
  findById(workspaceId: string): Promise<AppLookup | undefined>;
  /** The port's share; undefined if it is not shared. */
  portShare(workspaceId: string, agentName: string, port: number): Promise<PortShare | undefined>;
  /** Stores app usage sessions; a session reported again is updated. */
  addStats(sessions: readonly AppSession[]): Promise<void>;
};

const select = {
  id: true,
  name: true,
  ownerId: true,
  organizationId: true,
  userAcl: true,
  groupAcl: true,
  owner: { select: { username: true } },
  template: { select: { corsBehavior: true } },
  latestBuild: {
    select: {
      transition: true,
      job: {
        select: {
          completedAt: true,
          resources: {
            select: {
              agents: {
                select: {
                  id: true,
                  name: true,
                  createdAt: true,
                  firstConnectedAt: true,
                  lastConnectedAt: true,
                  disconnectedAt: true,
                  connectionTimeoutSeconds: true,
                  apps: {
                    select: {
                      id: true,
                      slug: true,
                      url: true,
                      external: true,
                      subdomain: true,
                      sharingLevel: true,
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
} satisfies Prisma.WorkspaceSelect;

type Row = Prisma.WorkspaceGetPayload<{ select: typeof select }>;

function toLookup({ latestBuild, ...row }: Row): AppLookup | undefined {
  if (!latestBuild) return undefined;
  const { transition, job } = latestBuild;
  return {
    workspaceId: row.id,
    workspaceName: row.name,
    ownerId: row.ownerId,
    ownerName: row.owner.username,
    corsPassthru: row.template.corsBehavior === "passthru",
    organizationId: row.organizationId,
    userAcl: row.userAcl,
    groupAcl: row.groupAcl,
    transition,
    jobRunning: job.completedAt === null,
    agents: job.resources.flatMap((resource) => resource.agents),
  };
}

export function createAppStore(db: Database): AppStore {
  const findFirst = async (where: Prisma.WorkspaceWhereInput): Promise<Row | undefined> =>
    (await db.workspace.findFirst({ where: { deleted: false, ...where }, select })) ?? undefined;

  return {
    async find(owner, workspace) {
      const row = await findFirst({
        ...(isUuid(workspace) ? { id: workspace } : { name: sameText(workspace) }),
        owner: isUuid(owner) ? { id: owner } : { username: sameText(owner), deleted: false },
      });
      return row && toLookup(row);
    },

    async findById(workspaceId) {
      const row = await findFirst({ id: workspaceId });
      return row && toLookup(row);
    },

    async portShare(workspaceId, agentName, port) {
      const row = await db.workspacePortShare.findUnique({
        where: { workspaceId_agentName_port: { workspaceId, agentName, port } },
        select: {
          shareLevel: true,
          protocol: true,
          workspace: { select: { template: { select: { maxPortShareLevel: true } } } },
        },
      });
      if (!row) return undefined;
      const { workspace, ...share } = row;
      return { ...share, maxShareLevel: workspace.template.maxPortShareLevel };
    },

    async addStats(sessions) {
      for (const { sessionId, ...session } of sessions) {
        await db.workspaceAppStat.upsert({
          where: { sessionId },
          create: { sessionId, ...session },
          update: { endedAt: session.endedAt, requests: session.requests },
        });
      }
    },
  };
}

export type AppSession = {
  sessionId: string;
  userId: string;
  workspaceId: string;
  agentId: string;
  slugOrPort: string;
  accessMethod: string;
  startedAt: Date;
  endedAt: Date;
  requests: bigint;
};
