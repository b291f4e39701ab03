import type { Registry } from "prom-client";
import { createMonitoring, type Monitoring } from "./agents/monitoring.js";
import { createMonitorStore } from "./agents/monitoring-store.js";
import { type ApiKeys, createApiKeys } from "./apikeys/service.js";
import { createApiKeyStore } from "./apikeys/store.js";
import { type Apps, createApps } from "./apps/service.js";
import { createAppStore } from "./apps/store.js";
import { createTerminals, type Terminals } from "./apps/terminal.js";
import { createAuditedObjects } from "./audit/objects-store.js";
import { type Audit, createAudit } from "./audit/service.js";
import { createAuditStore } from "./audit/store.js";
import { createPasswords, type Passwords, type ScryptCost } from "./auth/passwords.js";
import { createOwnerCredentials } from "./builds/owner-credentials.js";
import { toSyslogEntry } from "./connectionlog/published.js";
import { reportConnections } from "./connectionlog/reports-store.js";
import { type ConnectionLog, createConnectionLog } from "./connectionlog/service.js";
import { createConnectionLogStore } from "./connectionlog/store.js";
import { type CryptoKeys, createCryptoKeys } from "./cryptokeys/service.js";
import { createCryptoKeyStore } from "./cryptokeys/store.js";
import { createHealth, type Health } from "./deployment/health.js";
import { createReplicas, type Replicas } from "./deployment/replicas.js";
import { createReplicaStore } from "./deployment/replicas-store.js";
import { createDeployment, type Deployment } from "./deployment/service.js";
import { createDeploymentNumbers, type DeploymentNumbers } from "./deployment/stats-store.js";
import { createDeploymentStore } from "./deployment/store.js";
import { type ActivitySide, createActivitySide } from "./domain-activity.js";
import { type AgentSide, createAgentSide } from "./domain-agents.js";
import { createMessages, type Messages } from "./domain-messages.js";
import { createSignInSide, type SignInSide } from "./domain-sign-in.js";
import { createWorkSide, type WorkSide } from "./domain-work.js";
import { createExternalAuth, type ExternalAuth } from "./externalauth/service.js";
import { createLinkStore } from "./externalauth/store.js";
import { createGroups, type Groups } from "./groups/service.js";
import { createGroupStore, type GroupStore } from "./groups/store.js";
import { createClaimStore } from "./idpsync/claims-store.js";
import { configuredSync, createEffectiveSettings } from "./idpsync/effective.js";
import { createIdpSync, type IdpSync } from "./idpsync/service.js";
import { createSettingsStore } from "./idpsync/settings-store.js";
import { createSyncStore } from "./idpsync/store.js";
import { createSync, type Sync } from "./idpsync/sync.js";
import { createInsights, type Insights } from "./insights/service.js";
import { createInsightStore, type InsightStore } from "./insights/store.js";
import { createJobMetrics } from "./metrics/builds.js";
import { createMetricsStore } from "./metrics/store.js";
import type { Notifier } from "./notifications/notifier.js";
import { createOAuth2Provider, type OAuth2Provider } from "./oauth2/service.js";
import { createOAuth2Store } from "./oauth2/store.js";
import { type CustomRoles, createCustomRoles } from "./organizations/roles.js";
import { createOrganizations, type Organizations } from "./organizations/service.js";
import { createOrganizationStore, type OrganizationStore } from "./organizations/store.js";
import type { Platform } from "./platform.js";
import { createPortShares, type PortShares } from "./portshares/service.js";
import { createPortShareStore } from "./portshares/store.js";
import type { DaemonStore } from "./provisionerdaemons/store.js";
import type { ProxyStore } from "./proxies/store.js";
import { createQuotas, type Quotas } from "./quotas/service.js";
import type { QuotaStore } from "./quotas/store.js";
import { createRoleStore } from "./roles/store.js";
import { quietHoursPolicy } from "./schedules/quiet-hours.js";
import { createScimGroupStore } from "./scim/groups-store.js";
import { createScim, type Scim } from "./scim/service.js";
import { createScimUserStore } from "./scim/users-store.js";
import { createSharing, type Sharing } from "./sharing/service.js";
import { createSharingStore } from "./sharing/store.js";
import { createWorkspaceSharing, type WorkspaceSharing } from "./sharing/workspaces.js";
import type { Templates } from "./templates/service.js";
import { createUserEvents, type UserEvents } from "./users/events.js";
import { createGitSshKeys, type GitSshKeys } from "./users/gitsshkeys.js";
import { createGitSshKeyStore } from "./users/gitsshkeys-store.js";
import { createPasswordReset, type PasswordReset } from "./users/password-reset.js";
import { createPasswordResetStore } from "./users/password-reset-store.js";
import { createQuietHours, type QuietHoursOfUsers } from "./users/quiethours.js";
import { createUsers, type Users } from "./users/service.js";
import { createUserStore, type UserStore } from "./users/store.js";
import { createUserSecrets, type UserSecrets } from "./usersecrets/service.js";
import { createSecretStore } from "./usersecrets/store.js";
import { createWorkspaceActivity, type WorkspaceActivity } from "./workspaces/activity-store.js";
import { createRequiredStops, type RequiredStops } from "./workspaces/requirements-store.js";
import type { Workspaces } from "./workspaces/service.js";

/** coderd's domain services by name. */
export type Domain = Messages &
  Identities &
  SignInSide &
  AgentSide &
  WorkSide &
  Operations &
  ActivitySide & { activity: WorkspaceActivity };

/** Wires the domain services by hand, passing each only what it needs. */
export function createDomain(
  platform: Platform,
  options: { passwordCost?: ScryptCost; registry: Registry },
): Domain {
  const { db, logger } = platform;
  const passwords = createPasswords(options.passwordCost);
  const messages = createMessages(platform, options.registry);
  const activity = createWorkspaceActivity(db);
  const quietHours = quietHoursPolicy(platform.config);
  const requiredStops = createRequiredStops({ db, quietHours, clock: platform.clock });
  const identities = createIdentities(platform, messages, passwords, { activity, requiredStops });
  const signInSide = createSignInSide(platform, { ...identities, passwords });
  const agentSide = createAgentSide(platform, options.registry, activity, identities.cryptoKeys);
  const jobMetrics = createJobMetrics({ registry: options.registry, store: createMetricsStore(db), logger });
  const workSide = createWorkSide(platform, {
    notifier: messages.notifier,
    audit: identities.audit,
    owners: createOwnerCredentials({
      sshKeys: identities.gitSshKeys,
      oidcTokens: signInSide.oidcTokens,
      externalAuth: identities.externalAuth,
      userSecrets: identities.userSecrets,
    }),
    externalAuth: identities.externalAuth,
    organizations: identities.organizations,
    authenticateUser: (token) => identities.apiKeys.authenticate({ token, via: "header" }),
    activity,
    requiredStops,
    onJobsEnded: (jobs) => void jobMetrics.ended(jobs),
    registry: options.registry,
  });
  return {
    activity,
    ...messages,
    ...identities,
    ...signInSide,
    ...agentSide,
    ...workSide,
    ...createActivitySide(platform, {
      audit: identities.audit,
      builds: workSide.builds,
      workspaces: workSide.workspaces,
      users: identities.users,
      userStore: identities.userStore,
    }),
    ...createOperations(platform, {
      notifier: messages.notifier,
      deployment: identities.deployment,
      userStore: identities.userStore,
      groupStore: identities.groupStore,
      proxyStore: agentSide.proxyStore,
      daemonStore: workSide.daemonStore,
      templates: workSide.templates,
      workspaces: workSide.workspaces,
      organizations: identities.organizations,
      users: identities.users,
      groups: identities.groups,
      quotaStore: workSide.quotaStore,
    }),
  };
}

const SHORTEST_STATS_REFRESH_MS = 1_000;

/** Operator-facing services and those that span several areas. */
export type Operations = {
  numbers: DeploymentNumbers;
  quotas: Quotas;
  insights: Insights;
  insightStore: InsightStore;
  /** How often agents report their stats. */
  statsRefreshMs: number;
  replicas: Replicas;
  health: Health;
  monitoring: Monitoring;
  sharing: Sharing;
  workspaceSharing: WorkspaceSharing;
};

function createOperations(
  { config, db, redis, redisOutage, clock, logger }: Platform,
  nouns: {
    notifier: Notifier;
    deployment: Deployment;
    proxyStore: ProxyStore;
    daemonStore: DaemonStore;
    templates: Templates;
    workspaces: Workspaces;
    organizations: Organizations;
    users: Users;
    groups: Groups;
    userStore: UserStore;
    groupStore: GroupStore;
    quotaStore: QuotaStore;
  },
): Operations {
  const statsRefreshMs = Math.max(SHORTEST_STATS_REFRESH_MS, config.CODER_AGENT_STATS_REFRESH_INTERVAL);
  const insightStore = createInsightStore(db);
  return {
    statsRefreshMs,
    insightStore,
    insights: createInsights({
      store: insightStore,
      clock,
      enabled: config.CODER_STATS_COLLECTION_USAGE_STATS_ENABLE,
      statsRefreshMs,
    }),
    numbers: createDeploymentNumbers({ db, clock }),
    quotas: createQuotas({
      store: nouns.quotaStore,
      organizations: nouns.organizations,
      users: nouns.users,
      groups: nouns.groups,
    }),
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
      deployment: nouns.deployment,
      proxies: nouns.proxyStore,
      daemons: nouns.daemonStore,
      accessUrl: config.CODER_ACCESS_URL,
      wildcardHostname: config.CODER_WILDCARD_ACCESS_URL,
      databaseThresholdMs: config.CODER_HEALTH_CHECK_THRESHOLD_DATABASE,
      refreshMs: config.CODER_HEALTH_CHECK_REFRESH,
    }),
    monitoring: createMonitoring({ store: createMonitorStore(db), notifier: nouns.notifier, clock }),
    sharing: createSharing({
      templates: nouns.templates,
      users: nouns.userStore,
      groups: nouns.groupStore,
    }),
    workspaceSharing: createWorkspaceSharing({
      store: createSharingStore(db),
      workspaces: nouns.workspaces,
      organizations: nouns.organizations,
      users: nouns.userStore,
      groups: nouns.groupStore,
      enabled: !config.CODER_DISABLE_WORKSPACE_SHARING,
    }),
  };
}

/** Users, their keys and organizations, and the audit log. */
export type Identities = {
  audit: Audit;
  connectionLog: ConnectionLog;
  organizationStore: OrganizationStore;
  organizations: Organizations;
  customRoles: CustomRoles;
  apiKeys: ApiKeys;
  cryptoKeys: CryptoKeys;
  users: Users;
  userEvents: UserEvents;
  passwordReset: PasswordReset;
  userStore: UserStore;
  groupStore: GroupStore;
  groups: Groups;
  idpSync: IdpSync;
  /** Makes a user's organizations, groups and roles match its claims, at each sign-in. */
  syncWithIdp: Sync;
  scim: Scim;
  quietHours: QuietHoursOfUsers;
  gitSshKeys: GitSshKeys;
  externalAuth: ExternalAuth;
  userSecrets: UserSecrets;
  deployment: Deployment;
  oauth2: OAuth2Provider;
  portShares: PortShares;
  terminals: Terminals;
  apps: Apps;
};

function createIdentities(
  platform: Platform,
  { notifier, notificationMethods, webhooks, syslog }: Messages,
  passwords: Passwords,
  { activity, requiredStops }: { activity: WorkspaceActivity; requiredStops: RequiredStops },
): Identities {
  const { config, db, crypt, unitOfWork, pubsub, clock, logger } = platform;
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
      maxAdminTokenLifetimeMs: config.CODER_MAX_ADMIN_TOKEN_LIFETIME,
      ownerWorkspaceAccess: !config.CODER_DISABLE_OWNER_WORKSPACE_ACCESS,
      workspaceSharing: !config.CODER_DISABLE_WORKSPACE_SHARING,
    },
  });
  const userStore = createUserStore(db);
  const groupStore = createGroupStore(db);
  const roleStore = createRoleStore(db);
  const userEvents = createUserEvents(notifier);
  const users = createUsers({
    store: userStore,
    roles: roleStore,
    apiKeys,
    passwords,
    events: userEvents,
    clock,
    passwordLogin: !config.CODER_DISABLE_PASSWORD_AUTH,
  });
  const organizations = createOrganizations({ store: organizationStore, users, roles: roleStore });
  const audit = createAudit({
    store: createAuditStore(db),
    objects: createAuditedObjects(db),
    unitOfWork,
    logger,
    async publish(entry) {
      await webhooks.publish(entry);
      await syslog?.publish([{ ...entry, kind: "audit", event: entry.action, data: entry }]);
    },
  });
  const syncSettingsStore = createSettingsStore(db);
  const syncSettings = createEffectiveSettings(syncSettingsStore, configuredSync(config));
  const deployment = createDeployment({ store: createDeploymentStore(db) });
  return {
    audit,
    idpSync: createIdpSync({
      store: syncSettingsStore,
      claimStore: createClaimStore(db),
      settings: syncSettings,
      organizations,
    }),
    scim: createScim({
      userStore: createScimUserStore(db),
      groupStore: createScimGroupStore(db),
      users: userStore,
      groups: groupStore,
      organizations: organizationStore,
      apiKeys,
      settings: syncSettings,
      clock,
      accessUrl: config.CODER_ACCESS_URL,
      token: config.CODER_SCIM_AUTH_HEADER,
    }),
    syncWithIdp: createSync({
      store: createSyncStore(db),
      organizationStore,
      settings: syncSettings,
      audit,
      unitOfWork,
      logger,
    }),
    connectionLog: createConnectionLog({
      store: createConnectionLogStore(db),
      report: (replicaId, connections) => reportConnections(db, replicaId, connections, clock.now()),
      unitOfWork,
      publish: syslog && ((connections) => syslog.publish(connections.map(toSyslogEntry))),
    }),
    organizationStore,
    organizations,
    customRoles: createCustomRoles({ store: roleStore, organizations }),
    apiKeys,
    cryptoKeys,
    users,
    userEvents,
    passwordReset: createPasswordReset({
      store: createPasswordResetStore(db),
      users: userStore,
      apiKeys,
      passwords,
      notifier,
      unitOfWork,
      canSendEmail: notificationMethods.available.includes("smtp"),
      clock,
    }),
    userStore,
    groupStore,
    groups: createGroups({ store: groupStore, organizations, users }),
    quietHours: createQuietHours({
      users,
      store: userStore,
      requiredStops,
      clock,
      ...quietHoursPolicy(config),
    }),
    gitSshKeys: createGitSshKeys({
      store: createGitSshKeyStore(db),
      cryptoKeys,
      algorithm: config.CODER_SSH_KEYGEN_ALGORITHM,
    }),
    deployment,
    oauth2: createOAuth2Provider({
      store: createOAuth2Store(db),
      apiKeys,
      deployment,
      accessUrl: config.CODER_ACCESS_URL,
      refreshLifetimeMs: config.CODER_DEFAULT_OAUTH_REFRESH_LIFETIME,
      clock,
      logger,
    }),
    externalAuth: createExternalAuth({
      providers: config.CODER_EXTERNAL_AUTH,
      store: createLinkStore(db, crypt),
      outside: createLinkStore(unitOfWork.outside, crypt),
      derive: cryptoKeys.derive,
      accessUrl: config.CODER_ACCESS_URL,
      pubsub,
      clock,
      logger,
    }),
    userSecrets: createUserSecrets({ store: createSecretStore(db, crypt), users }),
    portShares: createPortShares({ store: createPortShareStore(db) }),
    terminals: createTerminals({ cryptoKeys, apiKeys, clock }),
    apps: createApps({
      store: createAppStore(db),
      activity,
      apiKeys,
      cryptoKeys,
      clock,
      accessUrl: config.CODER_ACCESS_URL,
      pathApps: !config.CODER_DISABLE_PATH_APPS,
    }),
  };
}
