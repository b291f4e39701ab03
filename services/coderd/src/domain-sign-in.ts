import { FleetError } from "@fleet/base";
import type { ApiKeys } from "./apikeys/service.js";
import type { Passwords } from "./auth/passwords.js";
import type { Config } from "./config.js";
import type { CryptoKeys } from "./cryptokeys/service.js";
import { configuredSync } from "./idpsync/effective.js";
import type { Sync } from "./idpsync/sync.js";
import { groupTargets } from "./idpsync/targets.js";
import type { Platform } from "./platform.js";
import { type Conversions, createConversions } from "./signin/conversion.js";
import { createFlows, type Flows } from "./signin/flows.js";
import { createGithubProvider, type GithubProvider } from "./signin/github.js";
import { type Claims, createLinkStore } from "./signin/links-store.js";
import { createOidcProvider, type OidcProvider } from "./signin/oidc.js";
import { createSignIn, type SignIn } from "./signin/service.js";
import { createOidcTokens, type OidcTokens } from "./signin/tokens.js";
import { createSshDestinations } from "./sshaccess/destinations.js";
import { createSshDestinationStore } from "./sshaccess/destinations-store.js";
import { createSshKeys } from "./sshaccess/keys.js";
import { createSshKeyStore } from "./sshaccess/keys-store.js";
import type { SshAccess } from "./sshaccess/service.js";
import { createSshSignIns } from "./sshaccess/sign-ins.js";
import { createSshSignInStore } from "./sshaccess/sign-ins-store.js";
import type { UserEvents } from "./users/events.js";
import type { Users } from "./users/service.js";
import type { UserStore } from "./users/store.js";

/** Sign-in with providers, and of SSH clients. */
export type SignInSide = {
  signIn: SignIn;
  flows: Flows;
  /** Undefined if it is not configured, as are other providers. */
  oidc: OidcProvider | undefined;
  github: GithubProvider | undefined;
  oidcTokens: OidcTokens;
  conversions: Conversions;
  sshAccess: SshAccess;
  /** What the OpenID Connect provider said about a user. */
  claimsOf(userId: string): Promise<Claims>;
};

export function createSignInSide(
  platform: Platform,
  nouns: {
    users: Users;
    userStore: UserStore;
    passwords: Passwords;
    syncWithIdp: Sync;
    apiKeys: ApiKeys;
    userEvents: UserEvents;
    cryptoKeys: CryptoKeys;
  },
): SignInSide {
  const { config, db, crypt, unitOfWork, redis, clock, logger } = platform;
  const { apiKeys, cryptoKeys, syncWithIdp: sync } = nouns;
  const links = createLinkStore(db, crypt);
  const oidc = oidcOf(config, platform);
  const github = githubOf(config);
  const configured = new Set([oidc, github].flatMap((provider) => (provider ? [provider.type] : [])));
  return {
    sshAccess: {
      keys: createSshKeys({ store: createSshKeyStore(db), users: nouns.users, apiKeys, clock }),
      signIns: createSshSignIns({
        store: createSshSignInStore(db),
        accessUrl: config.CODER_ACCESS_URL,
        clock,
      }),
      destinations: createSshDestinations({
        store: createSshDestinationStore(db),
        hostnamePrefix: config.CODER_SSH_HOSTNAME_PREFIX,
        hostnameSuffix: config.CODER_WORKSPACE_HOSTNAME_SUFFIX,
      }),
    },
    signIn: createSignIn({
      links,
      users: nouns.userStore,
      apiKeys,
      events: nouns.userEvents,
      sync,
    }),
    flows: createFlows({ cryptoKeys, redis, prefix: config.CODER_REDIS_PREFIX, clock }),
    oidc,
    github,
    oidcTokens: createOidcTokens({
      oidc,
      links,
      apiKeys,
      sync,
      unitOfWork,
      signOutAtProvider: config.CODER_OIDC_SIGN_OUT,
      signedOutUrl: new URL("/login", config.CODER_ACCESS_URL).href,
      clock,
      logger,
    }),
    conversions: createConversions({
      users: nouns.users,
      passwords: nouns.passwords,
      cryptoKeys,
      configured,
      clock,
    }),
    claimsOf: async (userId) => (await links.ofUser(userId, "oidc"))?.claims ?? {},
  };
}

function oidcOf(config: Config, { clock, logger }: Platform): OidcProvider | undefined {
  const issuer = config.CODER_OIDC_ISSUER_URL;
  const clientId = config.CODER_OIDC_CLIENT_ID;
  if (!issuer && !clientId) return undefined;
  if (!issuer || !clientId) {
    throw new FleetError(
      "invalid_argument",
      "CODER_OIDC_ISSUER_URL and CODER_OIDC_CLIENT_ID: both are required to sign in with OpenID Connect.",
    );
  }
  const { groups } = configuredSync(config);
  const allowedGroups = config.CODER_OIDC_ALLOWED_GROUPS;
  if (allowedGroups.length > 0 && !groups.field)
    throw new FleetError("invalid_argument", "CODER_OIDC_ALLOWED_GROUPS: requires CODER_OIDC_GROUP_FIELD.");
  return createOidcProvider({
    issuer,
    clientId,
    clientSecret: config.CODER_OIDC_CLIENT_SECRET,
    clientKeyFile: config.CODER_OIDC_CLIENT_KEY_FILE,
    clientCertFile: config.CODER_OIDC_CLIENT_CERT_FILE,
    skipIssuerChecks: config.CODER_DANGEROUS_OIDC_SKIP_ISSUER_CHECKS,
    redirectUrl:
      config.CODER_OIDC_REDIRECT_URL ?? new URL("/api/v2/users/oidc/callback", config.CODER_ACCESS_URL).href,
    scopes: config.CODER_OIDC_SCOPES,
    authUrlParams: config.CODER_OIDC_AUTH_URL_PARAMS,
    fields: {
      username: config.CODER_OIDC_USERNAME_FIELD,
      name: config.CODER_OIDC_NAME_FIELD,
      email: config.CODER_OIDC_EMAIL_FIELD,
    },
    ignoreEmailVerified: config.CODER_OIDC_IGNORE_EMAIL_VERIFIED,
    ignoreUserInfo: config.CODER_OIDC_IGNORE_USERINFO,
    accessTokenClaims: config.CODER_OIDC_ACCESS_TOKEN_CLAIMS,
    admission: {
      signUps: config.CODER_OIDC_ALLOW_SIGNUPS,
      signUpsDisabledText: config.CODER_OIDC_SIGNUPS_DISABLED_TEXT,
      emailDomains: config.CODER_OIDC_EMAIL_DOMAIN,
    },
    allowedGroups,
    groupsIn: (claims) => groupTargets({ ...groups, regexFilter: null }, claims).names,
    clock,
    logger,
  });
}

function githubOf(config: Config): GithubProvider | undefined {
  const clientId = config.CODER_OAUTH2_GITHUB_CLIENT_ID;
  if (!clientId) return undefined;
  const accessUrl = config.CODER_ACCESS_URL;
  return createGithubProvider({
    clientId,
    clientSecret: config.CODER_OAUTH2_GITHUB_CLIENT_SECRET,
    redirectUrl: new URL("/api/v2/users/oauth2/github/callback", accessUrl).href,
    devicePage: new URL("/login/device", accessUrl).href,
    enterpriseUrl: config.CODER_OAUTH2_GITHUB_ENTERPRISE_BASE_URL,
    deviceFlow: config.CODER_OAUTH2_GITHUB_DEVICE_FLOW,
    allowEveryone: config.CODER_OAUTH2_GITHUB_ALLOW_EVERYONE,
    allowedOrgs: config.CODER_OAUTH2_GITHUB_ALLOWED_ORGS,
    allowedTeams: config.CODER_OAUTH2_GITHUB_ALLOWED_TEAMS,
    admission: { signUps: config.CODER_OAUTH2_GITHUB_ALLOW_SIGNUPS, emailDomains: [] },
  });
}
