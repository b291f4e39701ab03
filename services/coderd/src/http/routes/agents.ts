import type { Claims } from "../../agents/claimed.js";
import type { AgentContainers, ContainersReport } from "../../agents/containers.js";
import type { InstanceIdentity } from "../../agents/identity/service.js";
import type { AgentLogs } from "../../agents/logs.js";
import type { AgentMetadataValues, MetadataItem } from "../../agents/metadata.js";
import type { AgentPorts } from "../../agents/ports.js";
import type { Agents } from "../../agents/service.js";
import { agentOwner, requireAgent } from "../../auth/agent-owner.js";
import { toAgent, toAgentLog, toMetadata } from "../../convert/agents.js";
import { toContainers } from "../../convert/containers.js";
import type { GitSshKeys } from "../../users/gitsshkeys.js";
import type { Handlers } from "../handler.js";

export type AgentHandlerOptions = {
  agents: Agents;
  agentLogs: AgentLogs;
  agentMetadata: AgentMetadataValues;
  agentPorts: AgentPorts;
  agentContainers: AgentContainers;
  gitSshKeys: GitSshKeys;
  instanceIdentity: InstanceIdentity;
  claims: Claims;
  hostnameSuffix: string;
  now(): Date;
};

export function createAgentHandlers(options: AgentHandlerOptions) {
  const { agents, agentLogs, agentMetadata, instanceIdentity } = options;
  // The data plane is a tunnel through the access URL, so there is no relay map.
  const connectionInfo = {
    derp_map: null,
    derp_force_websockets: true,
    disable_direct_connections: true,
    hostname_suffix: options.hostnameSuffix,
  };

  async function* metadataEvents(items: AsyncIterable<MetadataItem[]>) {
    for await (const batch of items) {
      yield { type: "data" as const, data: batch.map((item) => toMetadata(item, options.now())) };
    }
  }

  async function* logBatches(agentId: string, after: number, signal: AbortSignal) {
    for await (const lines of agentLogs.follow(agentId, after, signal)) yield lines.map(toAgentLog);
  }

  async function* containerEvents(reports: AsyncIterable<ContainersReport>) {
    for await (const report of reports) yield toContainers(report);
  }

  /** One event, at the claim of the agent's workspace. */
  async function* reinit(agent: { agentId: string; workspaceId: string }, signal: AbortSignal) {
    const claimed = await options.claims.wait(agent, signal);
    if (!claimed) return;
    const { workspaceId: workspace_id, ownerId: owner_id } = claimed;
    yield { type: "data" as const, data: { workspace_id, owner_id, reason: "prebuild_claimed" as const } };
  }

  return {
    agentConnectionInfo: async () => connectionInfo,

    agentConnectionInfoGet: async ({ actor, params }) => {
      await agents.access(actor, "ssh", params.agent);
      return connectionInfo;
    },

    agentGet: async ({ actor, params }) => toAgent(await agents.get(actor, params.agent), options.now()),

    agentListeningPorts: async ({ actor, params }) => {
      const { agentId } = await agents.access(actor, "ssh", params.agent);
      const ports = await options.agentPorts.read(agentId);
      return {
        ports: ports.map(({ port, network, processName }) => ({ port, network, process_name: processName })),
      };
    },

    agentContainersGet: async ({ actor, params, query }) => {
      const { agentId } = await agents.access(actor, "read", params.agent);
      return toContainers(await options.agentContainers.read(agentId), query.label);
    },

    agentContainersWatch: async ({ actor, params, signal }) => {
      const { agentId } = await agents.access(actor, "read", params.agent);
      return containerEvents(options.agentContainers.watch(agentId, signal));
    },

    agentDevcontainerRecreate: async ({ actor, params }) => {
      const { agentId } = await agents.access(actor, "ssh", params.agent);
      await options.agentContainers.request(agentId, params.devcontainer, "recreate");
      return { message: "The dev container is being recreated." };
    },

    agentDevcontainerDelete: async ({ actor, params }) => {
      const { agentId } = await agents.access(actor, "ssh", params.agent);
      await options.agentContainers.request(agentId, params.devcontainer, "delete");
      return undefined;
    },

    agentLogs: async ({ actor, params, query }) => {
      const { agentId } = await agents.access(actor, "read", params.agent);
      return (await agentLogs.read(agentId, BigInt(query.after ?? 0), query.before)).map(toAgentLog);
    },

    agentLogsFollow: async ({ actor, params, query, signal }) => {
      const { agentId } = await agents.access(actor, "read", params.agent);
      return logBatches(agentId, query.after ?? 0, signal);
    },

    agentWatchMetadata: async ({ actor, params, signal }) => {
      const { agentId } = await agents.access(actor, "read", params.agent);
      return metadataEvents(agentMetadata.watch(agentId, signal));
    },

    agentWatchMetadataSocket: async ({ actor, params, signal }) => {
      const { agentId } = await agents.access(actor, "read", params.agent);
      return metadataEvents(agentMetadata.watch(agentId, signal));
    },

    agentAuthenticateAws: async ({ body }) => ({ session_token: await instanceIdentity.aws(body) }),
    agentAuthenticateAzure: async ({ body }) => ({ session_token: await instanceIdentity.azure(body) }),
    agentAuthenticateGoogle: async ({ body }) => ({
      session_token: await instanceIdentity.google({ token: body.json_web_token }),
    }),

    agentSelfReinit: async ({ actor, signal }) => reinit(requireAgent(actor), signal),

    agentSelfGitSshKey: async ({ actor }) => {
      const { ownerId } = agentOwner(actor);
      const key = await options.gitSshKeys.get(ownerId);
      return { public_key: key.publicKey, private_key: key.privateKey };
    },

    agentSelfLogsAppend: async ({ actor, body }) => {
      const { agentId } = requireAgent(actor);
      const logs = body.logs.map((log) => ({ ...log, createdAt: new Date(log.created_at) }));
      await agentLogs.append(agentId, body.log_source_id, { bootId: "", sequence: 0n }, logs);
      return { message: "Logs stored." };
    },

    agentSelfLogSourceCreate: async ({ actor, body }) => {
      const { agentId } = requireAgent(actor);
      const source = { id: body.id, displayName: body.display_name, icon: body.icon };
      const row = await agentLogs.addSource(agentId, source);
      return {
        workspace_agent_id: agentId,
        id: row.id,
        created_at: row.createdAt.toISOString(),
        display_name: row.displayName,
        icon: row.icon,
      };
    },
  } satisfies Partial<Handlers>;
}
