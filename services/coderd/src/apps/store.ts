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
  /** The latest build failed or was canceled. */
  failed: boolean;
  dormant: boolean;
  /** The template starts a stopped workspace when one of its apps is requested. */
  wakes: boolean;
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
  /** The sharing level that the template's app had when the workspace was last started; undefined if it had none. */
  lastLevel(workspaceId: string, agent: string, slug: string): Promise<string | undefined>;
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
  dormantAt: true,
  template: { select: { corsBehavior: true, wakeOn: true } },
  latestBuild: {
    select: {
      transition: true,
      job: {
        select: {
          completedAt: true,
          canceledAt: true,
          error: true,
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
    failed: job.completedAt !== null && (job.canceledAt !== null || Boolean(job.error)),
    dormant: row.dormantAt !== null,
    wakes: row.template.wakeOn.includes("apps"),
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

    async lastLevel(workspaceId, agent, slug) {
      const rows = await db.$queryRaw<{ level: string }[]>`
        SELECT p.sharing_level AS level FROM workspace_builds b
        JOIN workspace_resources r ON r.job_id = b.job_id JOIN workspace_agents a ON a.resource_id = r.id
        JOIN workspace_apps p ON p.agent_id = a.id
        WHERE b.workspace_id = ${workspaceId}::uuid AND b.transition = 'start' AND p.slug = ${slug}
          AND (${agent} = '' OR a.name = ${agent}) ORDER BY b.build_number DESC LIMIT 1`;
      return rows[0]?.level;
    },

    async addStats(sessions) {
      for (const { sessionId, lastInputAt: _, ...session } of sessions) {
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
  /** When the user last did something; undefined for never. */
  lastInputAt: Date | undefined;
};
