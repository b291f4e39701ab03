import { createHash } from "node:crypto";
import { type Clock, isUuid, type Logger } from "@fleet/base";
import { canonicalScope, isScope, scopeCovers } from "@fleet/rbac";
import type { ApiKeys } from "../apikeys/service.js";
import { hashToken, sameHash } from "../auth/tokens.js";
import { OAuthError } from "./errors.js";
import { isRegistered } from "./redirect-uri.js";
import { isThisResource } from "./resource.js";
import { splitScope } from "./scopes.js";
import { createSecret } from "./secrets.js";
import type { AppRow, GrantRow, OAuth2Store } from "./store.js";

/** RFC 7636 §4.1. */
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/;
const ACCESS_TOKEN = /^([A-Za-z0-9]{1,64})-([A-Za-z0-9]{1,128})$/;

/** How a client identifies itself; a public client has no secret. */
export type ClientCredentials = { id: string; secret?: string | undefined };

export type IssuedTokens = {
  accessToken: string;
  expiresAt: Date;
  refreshToken: string;
  scopes: string[];
};

/**
 * The result of a token request. `reused`: a code or refresh token was used a second time, so all that came from it was
 * revoked. This is a result and not an error, so that the revocation is committed.
 */
export type TokenResult = { tokens: IssuedTokens } | { reused: OAuthError };

/** The token endpoint. Call it in a unit of work: what a request uses up and what it gets are one change. */
export type OAuth2Tokens = {
  /** Exchanges a code or a refresh token. @throws OAuthError. */
  exchange(client: ClientCredentials, request: TokenRequest, ip: string): Promise<TokenResult>;
  /**
   * Revokes a token of the client: with a refresh token, all tokens of its grant. Unknown tokens, and those of other
   * clients, are ignored (RFC 7009 §2.2). @throws OAuthError invalid_client.
   */
  revoke(client: ClientCredentials, token: string): Promise<void>;
};

export type TokenRequest = {
  grant_type?: string | undefined;
  code?: string | undefined;
  redirect_uri?: string | undefined;
  code_verifier?: string | undefined;
  refresh_token?: string | undefined;
  scope?: string | undefined;
  resource?: string | undefined;
};

export function createOAuth2Tokens(options: {
  store: OAuth2Store;
  apiKeys: ApiKeys;
  accessUrl: string;
  refreshLifetimeMs: number;
  clock: Clock;
  logger: Logger;
}): OAuth2Tokens {
  const { store, apiKeys, accessUrl, refreshLifetimeMs, clock, logger } = options;

  async function authenticate({ id, secret }: ClientCredentials): Promise<AppRow> {
    const app = isUuid(id) ? await store.findApp(id) : undefined;
    const isPublic = app?.authMethod === "none";
    // The secret is long and random, so that comparing its hash in a query tells nothing about it.
    const valid =
      app &&
      (isPublic
        ? secret === undefined
        : secret !== undefined && (await store.useSecret(app.id, hashToken(secret), clock.now())));
    if (!valid) throw new OAuthError("invalid_client", "The client is unknown, or its secret is wrong.");
    return app;
  }

  async function issue(grant: GrantRow, scopes: string[], ip: string): Promise<TokenResult> {
    const refresh = createSecret("refresh");
    const key = await apiKeys.issue({
      userId: grant.userId,
      loginType: "none",
      scopes,
      ip,
      oauth2GrantId: grant.id,
    });
    const expiresAt = new Date(clock.now().getTime() + refreshLifetimeMs);
    await store.insertRefreshToken(grant.id, refresh.hash, expiresAt);
    return {
      tokens: { accessToken: key.token, expiresAt: key.expiresAt, refreshToken: refresh.text, scopes },
    };
  }

  /** A second use means that somebody else has the code or token (RFC 9700 §4.14.2). */
  async function reused(grant: GrantRow, what: string): Promise<TokenResult> {
    await store.deleteGrant(grant.id);
    logger.warn("an OAuth2 credential was used twice; its grant was revoked", {
      credential: what,
      app: grant.appId,
      user: grant.userId,
    });
    const message = `The ${what} has already been used, so everything issued for it was revoked. Authorize the app again.`;
    return { reused: new OAuthError("invalid_grant", message) };
  }

  async function requireActiveUser({ userId }: GrantRow): Promise<void> {
    if (!(await store.isActive(userId)))
      throw new OAuthError("invalid_grant", "The user's account is suspended or deleted.");
  }

  async function byCode(app: AppRow, request: TokenRequest, ip: string): Promise<TokenResult> {
    const code = required(request, "code");
    const verifier = required(request, "code_verifier");
    const invalid = new OAuthError("invalid_grant", "The authorization code is invalid or has expired.");
    const found = await store.findGrant(hashToken(code));
    const grant = found?.appId === app.id ? await store.lockGrant(found.id) : undefined;
    if (!grant) throw invalid;
    if (grant.redeemedAt) return reused(grant, "authorization code");
    if (!sameRedirect(app, grant, request.redirect_uri))
      throw new OAuthError("invalid_grant", "redirect_uri differs from the authorization request.");
    if (!VERIFIER.test(verifier))
      throw new OAuthError("invalid_request", "code_verifier must have 43 to 128 unreserved characters.");
    if (!sameHash(Buffer.from(challengeOf(verifier)), Buffer.from(grant.codeChallenge)))
      throw new OAuthError("invalid_grant", "code_verifier does not match the code_challenge.");
    await requireActiveUser(grant);
    if (!(await store.redeem(grant.id, clock.now()))) throw invalid;
    return issue(grant, grant.scopes, ip);
  }

  async function byRefreshToken(app: AppRow, request: TokenRequest, ip: string): Promise<TokenResult> {
    const hash = hashToken(required(request, "refresh_token"));
    const invalid = new OAuthError("invalid_grant", "The refresh token is invalid or has expired.");
    const found = await store.findRefreshToken(hash);
    const grant = found?.grant.appId === app.id ? await store.lockGrant(found.grant.id) : undefined;
    // Read again: while waiting for the lock, another request may have used it.
    const token = grant && (await store.findRefreshToken(hash));
    if (!token) throw invalid;
    if (token.usedAt) return reused(grant, "refresh token");
    const scopes = narrowed(grant.scopes, request.scope);
    await requireActiveUser(grant);
    if (!(await store.useRefreshToken(token.id, clock.now()))) throw invalid;
    return issue(grant, scopes, ip);
  }

  return {
    async exchange(client, request, ip) {
      const app = await authenticate(client);
      if (request.resource !== undefined && !isThisResource(request.resource, accessUrl))
        throw new OAuthError("invalid_target", `Tokens are only issued for the resource ${accessUrl}`);
      switch (required(request, "grant_type")) {
        case "authorization_code":
          return byCode(app, request, ip);
        case "refresh_token":
          return byRefreshToken(app, request, ip);
        default:
          throw new OAuthError(
            "unsupported_grant_type",
            "grant_type must be authorization_code or refresh_token.",
          );
      }
    },

    async revoke(client, token) {
      const app = await authenticate(client);
      const refresh = await store.findRefreshToken(hashToken(token));
      if (refresh) {
        if (refresh.grant.appId === app.id) await store.deleteGrant(refresh.grant.id);
        return;
      }
      const [, id, secret] = ACCESS_TOKEN.exec(token) ?? [];
      const hash = id === undefined ? undefined : await store.findAccessToken(app.id, id);
      if (hash && sameHash(hashToken(secret!), hash)) await apiKeys.revoke(id!);
    },
  };
}

function required(request: TokenRequest, name: keyof TokenRequest): string {
  const value = request[name];
  if (!value) throw new OAuthError("invalid_request", `${name} is required.`);
  return value;
}

/** RFC 6749 §4.1.3: identical, if the authorization request had one. */
function sameRedirect(app: AppRow, grant: GrantRow, uri: string | undefined): boolean {
  if (grant.redirectUri !== "") return uri === grant.redirectUri;
  return uri === undefined || isRegistered(app.redirectUris, uri);
}

function challengeOf(verifier: string): string {
  return createHash("sha256").update(verifier).digest("base64url");
}

/** The scopes of a refreshed access token: those of the grant, or fewer (RFC 6749 §6). */
function narrowed(granted: string[], requested: string | undefined): string[] {
  const wanted = splitScope(requested ?? "");
  if (wanted.length === 0) return granted;
  const scopes = wanted.map(canonicalScope);
  if (!wanted.every(isScope) || !scopeCovers(granted, scopes))
    throw new OAuthError("invalid_scope", "The scope exceeds what the user granted.");
  return scopes;
}
