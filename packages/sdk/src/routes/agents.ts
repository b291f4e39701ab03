import * as z from "zod";
import { route } from "../route.js";
import {
  AgentConnectionInfo,
  AgentExternalAuth,
  AgentGitSshKey,
  AgentLog,
  AgentLogSource,
  AgentMetadata,
  ApiMessage,
  ApplicationsHost,
  CreateLogSourceRequest,
  ListeningPorts,
  PatchAgentLogsRequest,
  PtyTokenRequest,
  PtyTokenResponse,
  WorkspaceAgent,
  watchEvent,
} from "../types/index.js";
import {
  EVENT_HEARTBEAT,
  heartbeatQuery,
  Id,
  Label,
  logRange,
  Name,
  queryBoolean,
  queryInt,
  Search,
  Url,
} from "../wire.js";

const read = { resource: "workspace", action: "read" } as const;
const ssh = { resource: "workspace", action: "ssh" } as const;
const logQuery = z.object({ ...logRange, no_compression: Name.optional() });
const metadataEvents = watchEvent(z.array(AgentMetadata));

/** The token in the `Upgrade` header of a raw byte stream to an agent: bytes flow both ways once the server says 101. */
export const STREAM_PROTOCOL = "coder-stream/1";
/** The token of the connection on which an agent speaks gRPC, the agent as client. */
export const AGENT_RPC_PROTOCOL = "coder-agent-rpc/1";
/** The token of the connection over which the proxy opens streams to an agent. */
export const AGENT_TUNNEL_PROTOCOL = "coder-tunnel/1";

export const agentRoutes = {
  agentConnectionInfo: route({
    method: "GET",
    path: "/api/v2/workspaceagents/connection",
    summary: "Tell how agents are reached.",
    access: "session",
    response: AgentConnectionInfo,
  }),
  agentGet: route({
    method: "GET",
    path: "/api/v2/workspaceagents/:agent",
    summary: "Get an agent.",
    access: read,
    response: WorkspaceAgent,
  }),
  agentConnectionInfoGet: route({
    method: "GET",
    path: "/api/v2/workspaceagents/:agent/connection",
    summary: "Tell how this agent is reached.",
    access: ssh,
    response: AgentConnectionInfo,
  }),
  agentLogs: route({
    method: "GET",
    path: "/api/v2/workspaceagents/:agent/logs",
    summary: "Get the log of an agent's scripts.",
    access: read,
    query: logQuery,
    response: z.array(AgentLog),
  }),
  agentLogsFollow: route({
    method: "GET",
    path: "/api/v2/workspaceagents/:agent/logs",
    summary: "Follow the log of an agent's scripts; each message holds several lines.",
    access: read,
    stream: "websocket",
    always: { follow: "true" },
    query: logQuery.extend(heartbeatQuery.shape),
    heartbeat: [],
    response: z.array(AgentLog),
  }),
  agentListeningPorts: route({
    method: "GET",
    path: "/api/v2/workspaceagents/:agent/listening-ports",
    summary: "List the ports on which something listens in the workspace.",
    access: ssh,
    response: ListeningPorts,
  }),
  agentWatchMetadata: route({
    method: "GET",
    path: "/api/v2/workspaceagents/:agent/watch-metadata",
    summary: "Watch an agent's metadata by server-sent events.",
    access: read,
    stream: "sse",
    response: metadataEvents,
  }),
  agentWatchMetadataSocket: route({
    method: "GET",
    path: "/api/v2/workspaceagents/:agent/watch-metadata-ws",
    summary: "Watch an agent's metadata by WebSocket.",
    access: read,
    stream: "websocket",
    query: heartbeatQuery,
    heartbeat: EVENT_HEARTBEAT,
    response: metadataEvents,
  }),
  agentPty: route({
    method: "GET",
    path: "/api/v2/workspaceagents/:agent/pty",
    summary:
      "Open a terminal that can be reconnected by the same `reconnect` id. The client sends JSON `{data?, height?, width?}`; the server sends raw output.",
    access: ssh,
    stream: "socket",
    query: z.object({
      reconnect: Id,
      height: queryInt(0, 65_535).optional(),
      width: queryInt(0, 65_535).optional(),
      command: Search.optional(),
      container: Label.optional(),
      container_user: Label.optional(),
      backend_type: Name.optional(),
      /** Asks for an empty message every few seconds. */
      heartbeat: queryBoolean.optional(),
    }),
  }),
  agentSsh: route({
    method: "GET",
    path: "/api/v2/workspaceagents/:agent/ssh",
    summary: "Open a stream to the agent's SSH server; with `resumable`, one that outlives its connection.",
    access: ssh,
    stream: "upgrade",
    protocol: STREAM_PROTOCOL,
    status: 101,
    query: z.object({ resumable: z.literal("1").optional() }),
  }),
  agentForward: route({
    method: "GET",
    path: "/api/v2/workspaceagents/:agent/forward",
    summary: "Open a stream to `target`, `host:port` as seen from the workspace.",
    access: ssh,
    stream: "upgrade",
    protocol: STREAM_PROTOCOL,
    status: 101,
    query: z.object({ target: Label, network: z.enum(["tcp", "udp"]).optional() }),
  }),
  agentRpc: route({
    method: "GET",
    path: "/api/v2/workspaceagents/me/rpc",
    summary: "Open the agent's control connection: HTTP/2 and gRPC coder.agent.v1 on the raw stream.",
    access: "agent",
    stream: "upgrade",
    protocol: AGENT_RPC_PROTOCOL,
    status: 101,
    query: z.object({ version: Name.optional() }),
  }),
  agentTunnel: route({
    method: "GET",
    path: "/api/v2/workspaceagents/me/tunnel",
    summary: "Open the connection over which the proxy opens streams to the agent.",
    access: "agent",
    stream: "upgrade",
    protocol: AGENT_TUNNEL_PROTOCOL,
    status: 101,
  }),
  agentSelfGitSshKey: route({
    method: "GET",
    path: "/api/v2/workspaceagents/me/gitsshkey",
    summary: "Get the SSH key of the workspace's owner.",
    access: "agent",
    response: AgentGitSshKey,
  }),
  agentSelfExternalAuth: route({
    method: "GET",
    path: "/api/v2/workspaceagents/me/external-auth",
    summary:
      "Get the owner's credentials for a git URL or a provider; `listen` waits until the owner signs in.",
    access: "agent",
    query: z.object({
      match: Url.optional(),
      id: Label.optional(),
      listen: queryBoolean.optional(),
    }),
    response: AgentExternalAuth,
  }),
  agentSelfLogsAppend: route({
    method: "PATCH",
    path: "/api/v2/workspaceagents/me/logs",
    summary: "Append to the agent's log.",
    access: "agent",
    body: PatchAgentLogsRequest,
    response: ApiMessage,
  }),
  agentSelfLogSourceCreate: route({
    method: "POST",
    path: "/api/v2/workspaceagents/me/log-source",
    summary: "Add a source of log lines; the same id again is no error.",
    access: "agent",
    status: 201,
    body: CreateLogSourceRequest,
    response: AgentLogSource,
  }),
  applicationsHost: route({
    method: "GET",
    path: "/api/v2/applications/host",
    summary: "Tell the host pattern of subdomain apps.",
    access: "session",
    response: ApplicationsHost,
  }),
  applicationsAuthRedirect: route({
    method: "GET",
    path: "/api/v2/applications/auth-redirect",
    summary: "Send the browser back to an app, signed in.",
    access: "public",
    status: 303,
    query: z.object({ redirect_uri: Url }),
  }),
  ptySignedToken: route({
    method: "POST",
    path: "/api/v2/applications/reconnecting-pty-signed-token",
    summary: "Sign a token for a terminal on a workspace proxy.",
    access: "session",
    body: PtyTokenRequest,
    response: PtyTokenResponse,
  }),
};
