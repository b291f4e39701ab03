import type { Clock } from "@fleet/base";
import type { Registry } from "prom-client";
import { type Claims, createClaims } from "./agents/claimed.js";
import { type AgentContainers, createAgentContainers } from "./agents/containers.js";
import { createAwsVerifier } from "./agents/identity/aws.js";
import { createAzureVerifier } from "./agents/identity/azure.js";
import { createGoogleVerifier } from "./agents/identity/google.js";
import {
  createInstanceIdentity,
  type InstanceIdentity,
  type InstanceIdentityOptions,
} from "./agents/identity/service.js";
import { certificatesIn } from "./agents/identity/trust.js";
import { createIdentityStore } from "./agents/identity-store.js";
import { type AgentLogs, createAgentLogs } from "./agents/logs.js";
import { createAgentLogStore } from "./agents/logs-store.js";
import { type AgentMetadataValues, createAgentMetadata } from "./agents/metadata.js";
import { createMetadataStore } from "./agents/metadata-store.js";
import { AgentMetrics } from "./agents/metrics.js";
import { type AgentPorts, createAgentPorts } from "./agents/ports.js";
import { createPresence, type Presence } from "./agents/presence.js";
import { type Agents, createAgents } from "./agents/service.js";
import { type AgentStats, createAgentStats } from "./agents/stats.js";
import { type AgentStore, createAgentStore } from "./agents/store.js";
import { createSubAgents, type SubAgents } from "./agents/subagents.js";
import { createSubAgentStore } from "./agents/subagents-store.js";
import type { Config } from "./config.js";
import { reportSession } from "./connectionlog/reports-store.js";
import type { CryptoKeys } from "./cryptokeys/service.js";
import type { Platform } from "./platform.js";
import { createRoutes, type Routes } from "./proxies/routes.js";
import { createProxies, type Proxies } from "./proxies/service.js";
import { createProxyStore, type ProxyStore } from "./proxies/store.js";
import type { WorkspaceActivity } from "./workspaces/activity-store.js";

/** What agents and proxies connect to. */
export type AgentSide = {
  agentStore: AgentStore;
  proxyStore: ProxyStore;
  agents: Agents;
  agentLogs: AgentLogs;
  agentMetadata: AgentMetadataValues;
  agentStats: AgentStats;
  agentPorts: AgentPorts;
  agentContainers: AgentContainers;
  subAgents: SubAgents;
  presence: Presence;
  claims: Claims;
  instanceIdentity: InstanceIdentity;
  routes: Routes;
  proxies: Proxies;
};

export function createAgentSide(
  { config, db, redis, pubsub, clock, logger }: Platform,
  registry: Registry,
  activity: WorkspaceActivity,
  cryptoKeys: CryptoKeys,
): AgentSide {
  const prefix = config.CODER_REDIS_PREFIX;
  const agentStore = createAgentStore(db);
  const proxyStore = createProxyStore(db);
  const agentLogs = createAgentLogs({ store: createAgentLogStore(db), pubsub, clock });
  return {
    agentStore,
    proxyStore,
    agents: createAgents({ store: agentStore, pubsub, clock }),
    agentLogs,
    agentMetadata: createAgentMetadata({
      store: createMetadataStore(db),
      redis,
      prefix,
      pubsub,
      clock,
      logger,
    }),
    agentStats: createAgentStats({
      store: agentStore,
      reportConnection: (agent, report) => reportSession(db, agent, report),
      activity,
      collect: config.CODER_STATS_COLLECTION_USAGE_STATS_ENABLE,
      clock,
      logger,
    }),
    agentPorts: createAgentPorts({ redis, prefix }),
    agentContainers: createAgentContainers({ redis, prefix, pubsub, logs: agentLogs, clock }),
    subAgents: createSubAgents({ store: createSubAgentStore(db), pubsub, clock }),
    presence: createPresence({
      store: agentStore,
      metrics: new AgentMetrics(registry),
      pubsub,
      clock,
      logger,
    }),
    claims: createClaims({ store: agentStore, pubsub, clock }),
    instanceIdentity: createInstanceIdentity({
      store: createIdentityStore(db),
      verifiers: identityVerifiers(config, clock),
      derive: cryptoKeys.derive,
    }),
    routes: createRoutes({ redis, prefix, pubsub, clock }),
    proxies: createProxies({ store: proxyStore, primaryToken: config.CODER_PROXY_SESSION_TOKEN }),
  };
}

/** How the documents of each cloud are verified. */
function identityVerifiers(config: Config, clock: Clock): InstanceIdentityOptions["verifiers"] {
  const aws = certificatesIn("CODER_AWS_IDENTITY_CERTIFICATES", config.CODER_AWS_IDENTITY_CERTIFICATES);
  const azure = certificatesIn("CODER_AZURE_IDENTITY_CERTIFICATES", config.CODER_AZURE_IDENTITY_CERTIFICATES);
  return {
    aws: createAwsVerifier(aws.map(({ publicKey }) => publicKey)),
    azure: createAzureVerifier({ extra: azure, clock }),
    google: createGoogleVerifier(config.CODER_GOOGLE_IDENTITY_KEYS_URL),
  };
}
