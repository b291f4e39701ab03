import { isUuid } from "@fleet/base";
import type { Database } from "../database/client.js";
import type { Prisma } from "../database/gen/client.js";
import { sameText } from "../database/text.js";

/** What the address of an app leads to, and what decides about it. */
export type AppLookup = {
  workspaceId: string;
  workspaceName: string;
  ownerId: string;
  ownerName: string;
  organizationId: string;
  /** The template has its apps answer cross-origin requests themselves. */
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

/** A shared port, and how far the template lets ports be shared. */
export type PortShare = { shareLevel: string; maxShareLevel: string; protocol: string };

/** What addresses of apps lead to. */
export type AppStore = {
  /** The workspace by its owner's and its own name or id, with the agents of its last start. */
  find(owner: string, workspace: string): Promise<AppLookup | undefined>;
  /** The same, by the workspace's id. */
  findById(workspaceId: string): Promise<AppLookup | undefined>;
  /** How the port is shared; undefined where it is not. */
  portShare(workspaceId: string, agentName: string, port: number): Promise<PortShare | undefined>;
  /** Stores sessions of app use; one that is told again is brought up to date. */
  addStats(sessions: readonly AppSession[]): Promise<void>;
};

const select = {
  id: true,
  name: true,
  ownerId: true,
  organizationId: true,
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
