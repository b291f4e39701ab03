import type { Registry } from "prom-client";
import { reportConnection } from "./agents/connections-store.js";
import { createAgentLogs } from "./agents/logs.js";
import { createAgentLogStore } from "./agents/logs-store.js";
import { createAgentMetadata } from "./agents/metadata.js";
import { createMetadataStore } from "./agents/metadata-store.js";
import { AgentMetrics } from "./agents/metrics.js";
import { createAgentPorts } from "./agents/ports.js";
import { createPresence } from "./agents/presence.js";
import { createAgents } from "./agents/service.js";
import { createAgentStats } from "./agents/stats.js";
import { createAgentStore } from "./agents/store.js";
import { createApiKeys } from "./apikeys/service.js";
import { createApiKeyStore } from "./apikeys/store.js";
import { createApps } from "./apps/service.js";
import { createAppStore } from "./apps/store.js";
import { createTerminals } from "./apps/terminal.js";
import { createAuditedObjects } from "./audit/objects-store.js";
import { createAudit } from "./audit/service.js";
import { createAuditStore } from "./audit/store.js";
import { createPasswords, type ScryptCost } from "./auth/passwords.js";
import { createCryptoKeys } from "./cryptokeys/service.js";
import { createCryptoKeyStore } from "./cryptokeys/store.js";
import { createHealth } from "./deployment/health.js";
import { createReplicas } from "./deployment/replicas.js";
import { createReplicaStore } from "./deployment/replicas-store.js";
import { createDeployment } from "./deployment/service.js";
import { createDeploymentNumbers } from "./deployment/stats-store.js";
import { createDeploymentStore } from "./deployment/store.js";
import { createWorkSide, type WorkSide } from "./domain-work.js";
import { createGroups } from "./groups/service.js";
import { createGroupStore } from "./groups/store.js";
import { createJobMetrics } from "./metrics/builds.js";
import { createMetricsStore } from "./metrics/store.js";
import { createNotifications } from "./notifications/service.js";
import { createInboxStore } from "./notifications/store.js";
import { createOrganizations } from "./organizations/service.js";
import { createOrganizationStore } from "./organizations/store.js";
import type { Platform } from "./platform.js";
import { createPortShares } from "./portshares/service.js";
import { createPortShareStore } from "./portshares/store.js";
import { createRoutes } from "./proxies/routes.js";
import { createProxies } from "./proxies/service.js";
import { createProxyStore } from "./proxies/store.js";
import { createSharing } from "./sharing/service.js";
import { createGitSshKeys } from "./users/gitsshkeys.js";
import { createGitSshKeyStore } from "./users/gitsshkeys-store.js";
import { createQuietHours } from "./users/quiethours.js";
import { createUsers } from "./users/service.js";
import { createUserStore } from "./users/store.js";
import { createWorkspaceActivity, type WorkspaceActivity } from "./workspaces/activity-store.js";

export type Domain = ReturnType<typeof createDomain>;

/** Wires the nouns by hand, each with what it needs and nothing more. */
export function createDomain(platform: Platform, options: { passwordCost?: ScryptCost; registry: Registry }) {
  const { db, logger } = platform;
  const identities = createIdentities(platform, options);
  const activity = createWorkspaceActivity(db);
  const agentSide = createAgentSide(platform, options.registry, activity);
  const jobMetrics = createJobMetrics({ registry: options.registry, store: createMetricsStore(db), logger });
  const workSide = createWorkSide(platform, {
    ...identities,
    activity,
    onJobsEnded: (jobs) => void jobMetrics.ended(jobs),
  });
  return {
    activity,
    ...identities,
    ...agentSide,
    ...workSide,
    ...createOperations(platform, { ...identities, ...workSide, ...agentSide }),
  };
}

/** What operators look at, and what spans the nouns. */
function createOperations(
  { config, db, redis, redisOutage, pubsub, clock, logger }: Platform,
  domain: ReturnType<typeof createIdentities> & ReturnType<typeof createAgentSide> & WorkSide,
) {
  return {
    numbers: createDeploymentNumbers({ db, clock }),
    replicas: createReplicas({
      store: createReplicaStore(db),
      clock,
      logger,
      hostname: config.CODER_REPLICA_HOSTNAME,
    }),
    health: createHealth({
      redis,
      redisOutage,
      clock,
      deployment: domain.deployment,
      proxies: domain.proxyStore,
      daemons: domain.daemonStore,
      accessUrl: config.CODER_ACCESS_URL,
      wildcardHostname: config.CODER_WILDCARD_ACCESS_URL,
      databaseThresholdMs: config.CODER_HEALTH_CHECK_THRESHOLD_DATABASE,
      refreshMs: config.CODER_HEALTH_CHECK_REFRESH,
    }),
    notifications: createNotifications({ store: createInboxStore(db), pubsub, clock }),
    sharing: createSharing({
      templates: domain.templates,
      users: domain.userStore,
      groups: domain.groupStore,
    }),
  };
}

/** Users, their keys and organizations, and the log of what they do. */
function createIdentities(platform: Platform, options: { passwordCost?: ScryptCost }) {
  const { config, db, unitOfWork, clock, logger } = platform;
  const organizationStore = createOrganizationStore(db);
  const cryptoKeys = createCryptoKeys({ store: createCryptoKeyStore(unitOfWork.outside), clock });
  const apiKeys = createApiKeys({
    store: createApiKeyStore(db),
    clock,
    settings: {
      sessionDurationMs: config.CODER_SESSION_DURATION,
      refreshSessions: !config.CODER_DISABLE_SESSION_EXPIRY_REFRESH,
      defaultTokenLifetimeMs: Math.min(config.CODER_DEFAULT_TOKEN_LIFETIME, config.CODER_MAX_TOKEN_LIFETIME),
      maxTokenLifetimeMs: config.CODER_MAX_TOKEN_LIFETIME,
      ownerWorkspaceAccess: !config.CODER_DISABLE_OWNER_WORKSPACE_ACCESS,
    },
  });
  const userStore = createUserStore(db);
  const groupStore = createGroupStore(db);
  const users = createUsers({
    store: userStore,
    apiKeys,
    passwords: createPasswords(options.passwordCost),
    clock,
    passwordLogin: !config.CODER_DISABLE_PASSWORD_AUTH,
  });
  const organizations = createOrganizations({ store: organizationStore, users });
  return {
    audit: createAudit({
      store: createAuditStore(db),
      objects: createAuditedObjects(db),
      unitOfWork,
      logger,
    }),
    organizationStore,
    organizations,
    apiKeys,
    cryptoKeys,
    users,
    userStore,
    groupStore,
    groups: createGroups({ store: groupStore, organizations, users }),
    quietHours: createQuietHours({
      users,
      store: userStore,
      clock,
      defaultSchedule: config.CODER_QUIET_HOURS_DEFAULT_SCHEDULE,
      userCanSet: config.CODER_ALLOW_CUSTOM_QUIET_HOURS,
    }),
    gitSshKeys: createGitSshKeys({
      store: createGitSshKeyStore(db),
      cryptoKeys,
      algorithm: config.CODER_SSH_KEYGEN_ALGORITHM,
    }),
    deployment: createDeployment({ store: createDeploymentStore(db) }),
    portShares: createPortShares({ store: createPortShareStore(db) }),
    terminals: createTerminals({ cryptoKeys, apiKeys, clock }),
    apps: createApps({
      store: createAppStore(db),
      apiKeys,
      cryptoKeys,
      clock,
      accessUrl: config.CODER_ACCESS_URL,
      pathApps: !config.CODER_DISABLE_PATH_APPS,
    }),
  };
}

/** What agents and proxies speak to. */
function createAgentSide(
  { config, db, redis, pubsub, clock, logger }: Platform,
  registry: Registry,
  activity: WorkspaceActivity,
) {
  const prefix = config.CODER_REDIS_PREFIX;
  const agentStore = createAgentStore(db);
  const proxyStore = createProxyStore(db);
  return {
    agentStore,
    proxyStore,
    agents: createAgents({ store: agentStore, pubsub, clock }),
    agentLogs: createAgentLogs({ store: createAgentLogStore(db), pubsub, clock }),
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
      reportConnection: (agent, report) => reportConnection(db, agent, report),
      activity,
      clock,
      logger,
    }),
    agentPorts: createAgentPorts({ redis, prefix }),
    presence: createPresence({
      store: agentStore,
      metrics: new AgentMetrics(registry),
      pubsub,
      clock,
      logger,
    }),
    routes: createRoutes({ redis, prefix, pubsub, clock }),
    proxies: createProxies({ store: proxyStore, primaryToken: config.CODER_PROXY_SESSION_TOKEN }),
  };
}
