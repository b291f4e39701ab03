import type { PortShares } from "../../portshares/service.js";
import type { PortShareRow } from "../../portshares/store.js";
import type { Handlers } from "../handler.js";

export function createPortShareHandlers({ portShares }: { portShares: PortShares }) {
  return {
    portShareList: async ({ actor, params }) => ({
      shares: (await portShares.list(actor, params.workspace)).map(toPortShare),
    }),
    portShareUpsert: async ({ actor, params, body }) =>
      toPortShare(
        await portShares.upsert(actor, params.workspace, {
          agentName: body.agent_name,
          port: body.port,
          shareLevel: body.share_level,
          protocol: body.protocol ?? "http",
        }),
      ),
    portShareDelete: async ({ actor, params, body }) => {
      await portShares.delete(actor, params.workspace, { agentName: body.agent_name, port: body.port });
      return undefined;
    },
  } satisfies Partial<Handlers>;
}

function toPortShare(row: PortShareRow) {
  return {
    workspace_id: row.workspaceId,
    agent_name: row.agentName,
    port: row.port,
    share_level: row.shareLevel as "owner" | "authenticated" | "organization" | "public",
    protocol: row.protocol as "http" | "https",
  };
}
