import { createAgentLogs } from "./agents/logs.js";
import { createAgentMetadata } from "./agents/metadata.js";
import { createPresence } from "./agents/presence.js";
import { createAgents } from "./agents/service.js";
import { createAgentStats } from "./agents/stats.js";
import { createAgentStore } from "./agents/store.js";
import { createApiKeys } from "./apikeys/service.js";
import { createApiKeyStore } from "./apikeys/store.js";
import { createApps } from "./apps/service.js";
import { createAppStore } from "./apps/store.js";
import { createPasswords, type ScryptCost } from "./auth/passwords.js";
import { createCryptoKeys } from "./cryptokeys/service.js";
import { createDeployment } from "./deployment/service.js";
import { createWorkSide } from "./domain-work.js";
import { createGroups } from "./groups/service.js";
import { createGroupStore } from "./groups/store.js";
import { createOrganizations } from "./organizations/service.js";
import { createOrganizationStore } from "./organizations/store.js";
import type { Platform } from "./platform.js";
import { createPortShares } from "./portshares/service.js";
import { createPortShareStore } from "./portshares/store.js";
import { createRoutes } from "./proxies/routes.js";
import { createProxies } from "./proxies/service.js";
import { createProxyStore } from "./proxies/store.js";
import { createGitSshKeys } from "./users/gitsshkeys.js";
import { createUsers } from "./users/service.js";
import { createUserStore } from "./users/store.js";

export type Domain = ReturnType<typeof createDomain>;

/** Wires the nouns by hand, each with what it needs and nothing more. */
export function createDomain(platform: Platform, options: { passwordCost?: ScryptCost }) {
  const identities = createIdentities(platform, options);
  return { ...identities, ...createAgentSide(platform), ...createWorkSide(platform, identities) };
}

/** Users, their keys and organizations. */
function createIdentities(platform: Platform, options: { passwordCost?: ScryptCost }) {
  const { config, db, clock } = platform;
  const organizationStore = createOrganizationStore(db);
  const cryptoKeys = createCryptoKeys({ db, clock });
  const apiKeys = createApiKeys({
    store: createApiKeyStore(db),
    clock,
    settings: {
      sessionDurationMs: config.CODER_SESSION_DURATION,
      refreshSessions: !config.CODER_DISABLE_SESSION_EXPIRY_REFRESH,
      defaultTokenLifetimeMs: config.CODER_DEFAULT_TOKEN_LIFETIME,
      maxTokenLifetimeMs: config.CODER_MAX_TOKEN_LIFETIME,
    },
  });
  const users = createUsers({
    store: createUserStore(db),
    apiKeys,
    passwords: createPasswords(options.passwordCost),
    clock,
    passwordLogin: !config.CODER_DISABLE_PASSWORD_AUTH,
  });
  const organizations = createOrganizations({ store: organizationStore, users });
  return {
    organizationStore,
    organizations,
    apiKeys,
    cryptoKeys,
    users,
    groups: createGroups({ store: createGroupStore(db), organizations, users }),
    gitSshKeys: createGitSshKeys({ db, cryptoKeys }),
    deployment: createDeployment({ db }),
    portShares: createPortShares({ store: createPortShareStore(db) }),
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
function createAgentSide({ config, db, redis, pubsub, clock, logger }: Platform) {
  const prefix = config.CODER_REDIS_PREFIX;
  const agentStore = createAgentStore(db);
  return {
    agentStore,
    agents: createAgents({ store: agentStore, pubsub, clock }),
    agentLogs: createAgentLogs({ db, pubsub, clock }),
    agentMetadata: createAgentMetadata({ db, redis, prefix, pubsub, clock, logger }),
    agentStats: createAgentStats({ db, store: agentStore, clock, logger }),
    presence: createPresence({ store: agentStore, pubsub, clock, logger }),
    routes: createRoutes({ redis, prefix, pubsub, clock }),
    proxies: createProxies({ store: createProxyStore(db), primaryToken: config.CODER_PROXY_SESSION_TOKEN }),
  };
}
