import type { Clock, Logger } from "@fleet/base";
import type { ApiKeys } from "../apikeys/service.js";
import type { Deployment } from "../deployment/service.js";
import { createOAuth2Apps, type OAuth2Apps } from "./apps.js";
import { createOAuth2Authorization, type OAuth2Authorization } from "./authorization.js";
import { createOAuth2Registrations, type OAuth2Registrations } from "./registration.js";
import type { OAuth2Store } from "./store.js";
import { createOAuth2Tokens, type OAuth2Tokens } from "./tokens.js";

/** The key of the setting among the deployment's facts. */
const REGISTRATION_KEY = "oauth2_dynamic_registration";

/** This deployment as an OAuth2 provider: other apps act on behalf of its users. */
export type OAuth2Provider = {
  readonly apps: OAuth2Apps;
  readonly registrations: OAuth2Registrations;
  readonly authorization: OAuth2Authorization;
  readonly tokens: OAuth2Tokens;
  /** Whether apps may register themselves; they may unless an administrator disables it. */
  registrationEnabled(): Promise<boolean>;
  setRegistrationEnabled(enabled: boolean): Promise<void>;
};

export function createOAuth2Provider(options: {
  store: OAuth2Store;
  apiKeys: ApiKeys;
  deployment: Deployment;
  accessUrl: string;
  /** How long a refresh token can be used, counted anew with each rotation. */
  refreshLifetimeMs: number;
  clock: Clock;
  logger: Logger;
}): OAuth2Provider {
  const { deployment } = options;
  const registrationEnabled = async () => (await deployment.get(REGISTRATION_KEY)) !== "false";
  return {
    apps: createOAuth2Apps(options),
    registrations: createOAuth2Registrations({ ...options, enabled: registrationEnabled }),
    authorization: createOAuth2Authorization(options),
    tokens: createOAuth2Tokens(options),
    registrationEnabled,
    setRegistrationEnabled: (enabled) => deployment.set(REGISTRATION_KEY, String(enabled)),
  };
}
