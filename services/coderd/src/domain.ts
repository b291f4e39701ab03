import { createApiKeys } from "./apikeys/service.js";
import { createApiKeyStore } from "./apikeys/store.js";
import { createPasswords, type ScryptCost } from "./auth/passwords.js";
import { createOrganizations } from "./organizations/service.js";
import { createOrganizationStore } from "./organizations/store.js";
import type { Platform } from "./platform.js";
import { createUsers } from "./users/service.js";
import { createUserStore } from "./users/store.js";

export type Domain = ReturnType<typeof createDomain>;

/** Wires the nouns by hand, each with what it needs and nothing more. Nothing happens until a method is called. */
export function createDomain(platform: Platform, options: { passwordCost?: ScryptCost }) {
  const { config, db, clock } = platform;
  const organizationStore = createOrganizationStore(db);
  const organizations = createOrganizations({ store: organizationStore });
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
  return { organizationStore, organizations, apiKeys, users };
}
