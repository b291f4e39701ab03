import { type Clock, errorMessage, FleetError, isFleetError, type Logger } from "@fleet/base";
import { createRemoteJWKSet, customFetch, jwtVerify } from "jose";
import * as oidc from "openid-client";
import { EmailMissing, GroupNotAllowed } from "./errors.js";
import type { Claims, Link, ProviderTokens } from "./links-store.js";
import { createOidcClient, type OidcClientOptions } from "./oidc-client.js";
import { emailOf, emailVerifiedBy, lineOf, webUrlOf } from "./profile.js";
import type { Provider } from "./provider.js";
import { type ProviderRequest, providerFetch } from "./provider-http.js";
import type { Admission, Identity } from "./service.js";

export type OidcOptions = Omit<OidcClientOptions, "clock"> & {
  /** The callback. */
  redirectUrl: string;
  scopes: readonly string[];
  authUrlParams: Record<string, string>;
  fields: { username: string; name: string; email: string };
  ignoreEmailVerified: boolean;
  ignoreUserInfo: boolean;
  accessTokenClaims: boolean;
  admission: Admission;
  /** Groups whose members may sign in; empty for everybody. */
  allowedGroups: readonly string[];
  /** The groups that claims name, for `allowedGroups`. */
  groupsIn(claims: Claims): ReadonlySet<string>;
  clock: Clock;
  logger: Logger;
};

/** What a refresh of tokens gives. `refused`: the provider no longer vouches for the user. */
export type Refreshed = { tokens: ProviderTokens; claims: Claims } | "refused";

/** The OpenID Connect provider. */
export type OidcProvider = Provider & {
  /** Uses the refresh token. @throws unavailable if the provider cannot be reached. */
  refresh(link: Link): Promise<Refreshed>;
  /** Where the browser ends its session at the provider; undefined if the provider has no such page. */
  signOutUrl(idToken: string, returnTo: string): Promise<string | undefined>;
};

/** Algorithms of signatures. Those with a shared secret are not among them: a public key is no secret. */
const SIGNATURES = ["RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "ES512", "EdDSA"];

type Tokens = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers;

/** @throws invalid_argument for settings that do not fit together. */
export function createOidcProvider(options: OidcOptions): OidcProvider {
  const { clock, logger, fields } = options;
  if (options.accessTokenClaims && !options.ignoreUserInfo) {
    throw new FleetError(
      "invalid_argument",
      "CODER_OIDC_ACCESS_TOKEN_CLAIMS: requires CODER_OIDC_IGNORE_USERINFO.",
    );
  }
  const client = createOidcClient(options);

  /** The claims of an access token that is a JWT of the provider. */
  async function accessClaims(token: string): Promise<Claims> {
    const metadata = (await client.configuration()).serverMetadata();
    const keys = createRemoteJWKSet(new URL(metadata.jwks_uri!), {
      [customFetch]: (url, init) => providerFetch(url, init as ProviderRequest),
    });
    const { payload } = await jwtVerify(token, keys, {
      algorithms: SIGNATURES,
      currentDate: clock.now(),
      ...(options.skipIssuerChecks ? {} : { issuer: metadata.issuer }),
    });
    return payload;
  }

  /** The claims of the ID token, the access token and the userinfo endpoint, as configured. */
  async function claimsOf(tokens: Tokens): Promise<Claims> {
    const claims = tokens.claims() as Claims | undefined;
    if (!claims) throw new Error("The provider sent no ID token.");
    const { iss, sub } = claims;
    if (options.accessTokenClaims)
      return { ...claims, ...(await accessClaims(tokens.access_token)), iss, sub };
    const configuration = await client.configuration();
    if (options.ignoreUserInfo || !configuration.serverMetadata().userinfo_endpoint) return claims;
    const userInfo = await oidc.fetchUserInfo(configuration, tokens.access_token, sub as string);
    return { ...claims, ...userInfo, iss, sub };
  }

  function tokensOf(tokens: Tokens, before?: ProviderTokens): ProviderTokens {
    const seconds = tokens.expiresIn();
    return {
      access: tokens.access_token,
      refresh: tokens.refresh_token ?? before?.refresh ?? "",
      id: tokens.id_token ?? before?.id ?? "",
      expiresAt: seconds === undefined ? null : new Date(clock.now().getTime() + seconds * 1000),
    };
  }

  function identityOf(claims: Claims, tokens: ProviderTokens): Identity {
    requireAllowedGroup(claims, options);
    const email = emailOf(claims[fields.email]);
    if (!email) throw new EmailMissing("oidc", fields.email);
    return {
      loginType: "oidc",
      linkedId: `${claims.iss}||${claims.sub}`,
      email,
      emailVerified: options.ignoreEmailVerified || emailVerifiedBy(claims),
      username: lineOf(claims[fields.username]),
      name: lineOf(claims[fields.name]),
      avatarUrl: webUrlOf(claims.picture),
      claims,
      tokens,
    };
  }

  /** Translates what went wrong at the provider or with its answer. */
  function refused(error: unknown): never {
    if (isFleetError(error)) throw error;
    const inner = error instanceof Error ? error.cause : undefined;
    if (isFleetError(inner)) throw inner;
    if (error instanceof oidc.AuthorizationResponseError) {
      const reason = lineOf(error.error_description ?? error.error);
      throw new FleetError("permission_denied", `The sign-in provider refused the sign-in: ${reason}`, {
        cause: error,
      });
    }
    logger.warn("the response of the OpenID Connect provider was rejected", {
      reason: errorMessage(error),
      cause: inner instanceof Error ? inner.message : undefined,
    });
    throw new FleetError(
      "permission_denied",
      "The response of the sign-in provider could not be verified. Try again, or ask an administrator to check the server's logs.",
      { cause: error },
    );
  }

  return {
    type: "oidc",
    admission: options.admission,

    async authorizationUrl({ state, nonce, verifier }) {
      const url = oidc.buildAuthorizationUrl(await client.configuration(), {
        ...options.authUrlParams,
        redirect_uri: options.redirectUrl,
        scope: options.scopes.join(" "),
        state,
        nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      });
      return url.href;
    },

    async identify(answer, { state, nonce, verifier }) {
      const url = new URL(options.redirectUrl);
      for (const [name, value] of answer) url.searchParams.set(name, value);
      if (options.skipIssuerChecks) url.searchParams.delete("iss");
      try {
        const tokens = await client.grant((configuration) =>
          oidc.authorizationCodeGrant(configuration, url, {
            expectedState: state,
            expectedNonce: nonce,
            pkceCodeVerifier: verifier,
            idTokenExpected: true,
          }),
        );
        return identityOf(await claimsOf(tokens), tokensOf(tokens));
      } catch (error) {
        return refused(error);
      }
    },

    async refresh(link) {
      try {
        const tokens = await client.grant((configuration) =>
          oidc.refreshTokenGrant(configuration, link.tokens.refresh),
        );
        // A refresh may come without an ID token; what the former one said still holds.
        const claims = tokens.claims() ? await claimsOf(tokens) : link.claims;
        if (claims.sub !== link.claims.sub) return "refused";
        return { tokens: tokensOf(tokens, link.tokens), claims };
      } catch (error) {
        if (error instanceof oidc.ResponseBodyError && error.error === "invalid_grant") return "refused";
        return refused(error);
      }
    },

    async signOutUrl(idToken, returnTo) {
      const configuration = await client.configuration();
      if (!configuration.serverMetadata().end_session_endpoint) return undefined;
      return oidc.buildEndSessionUrl(configuration, {
        id_token_hint: idToken,
        post_logout_redirect_uri: returnTo,
      }).href;
    },
  };
}

function requireAllowedGroup(
  claims: Claims,
  { allowedGroups, groupsIn }: Pick<OidcOptions, "allowedGroups" | "groupsIn">,
): void {
  if (allowedGroups.length === 0) return;
  const groups = groupsIn(claims);
  if (!allowedGroups.some((group) => groups.has(group))) throw new GroupNotAllowed();
}
