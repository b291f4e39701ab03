import { type Clock, FleetError, isUuid } from "@fleet/base";
import type { UserActor } from "../auth/actor.js";
import { isLimited } from "../auth/authorizer.js";
import { AuthorizationRefused, type OAuthErrorCode } from "./errors.js";
import { isRegistered } from "./redirect-uri.js";
import { isThisResource } from "./resource.js";
import { grantedScopes } from "./scopes.js";
import { createSecret } from "./secrets.js";
import type { AppRow, OAuth2Store } from "./store.js";

/** How long a code may take from the browser to the app's token request. RFC 6749 allows ten minutes at most. */
const CODE_MS = 5 * 60_000;
/** Grants of one user to one app: each of its installations has one. The oldest ends when there are more. */
const GRANTS_PER_APP = 50;
/** S256 of a verifier: 32 bytes in base64url (RFC 7636 §4.2). */
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;

/** The parameters of RFC 6749 §4.1.1, RFC 7636 §4.3 and RFC 8707 §2. */
export type AuthorizationRequest = {
  client_id?: string | undefined;
  redirect_uri?: string | undefined;
  response_type?: string | undefined;
  response_mode?: string | undefined;
  scope?: string | undefined;
  code_challenge?: string | undefined;
  code_challenge_method?: string | undefined;
  resource?: string | undefined;
};

/** A valid request: what the user is asked to grant, and where the answer goes. */
export type Question = {
  app: AppRow;
  redirectUri: string;
  scopes: string[];
  codeChallenge: string;
};

export type OAuth2Authorization = {
  /**
   * Checks an authorization request.
   * @throws not_found or invalid_argument if the app or its redirect URI is unknown: then nobody may be redirected.
   * AuthorizationRefused for any other fault.
   */
  check(request: AuthorizationRequest): Promise<Question>;
  /**
   * Grants the request on behalf of the user, and returns the code with the grant's id.
   * @throws permission_denied unless the user is signed in with a session of their own: a token cannot give itself, or
   * an app, more than it has.
   */
  approve(
    actor: UserActor,
    question: Question,
    request: AuthorizationRequest,
  ): Promise<{ code: string; grantId: string }>;
  /** Throws as `approve` does. */
  requireSession(actor: UserActor): void;
};

export function createOAuth2Authorization(options: {
  store: OAuth2Store;
  accessUrl: string;
  clock: Clock;
}): OAuth2Authorization {
  const { store, accessUrl, clock } = options;

  function requireSession(actor: UserActor): void {
    if (!actor.byToken && !isLimited(actor)) return;
    throw new FleetError(
      "permission_denied",
      "A token cannot authorize an app. Sign in to the dashboard and open this page there.",
    );
  }

  return {
    requireSession,

    async check(request) {
      const app = isUuid(request.client_id ?? "") ? await store.findApp(request.client_id!) : undefined;
      if (!app) throw new FleetError("not_found", "No app with this client_id exists in this deployment.");
      const redirectUri = redirectOf(app, request.redirect_uri);
      const refuse = (error: OAuthErrorCode, message: string): never => {
        throw new AuthorizationRefused(error, message, redirectUri);
      };
      if (!request.response_type) refuse("invalid_request", "response_type is required.");
      if (request.response_type !== "code")
        refuse("unsupported_response_type", "response_type must be code.");
      if (request.response_mode && request.response_mode !== "query")
        refuse("invalid_request", "response_mode must be query.");
      if (!request.code_challenge)
        refuse("invalid_request", "PKCE is required: send code_challenge and code_challenge_method=S256.");
      if (request.code_challenge_method !== "S256")
        refuse("invalid_request", "code_challenge_method must be S256.");
      if (!CHALLENGE.test(request.code_challenge!))
        refuse("invalid_request", "code_challenge must be the SHA-256 of the code verifier in base64url.");
      if (request.resource !== undefined && !isThisResource(request.resource, accessUrl))
        refuse("invalid_target", `Tokens are only issued for the resource ${accessUrl}`);
      const scopes =
        grantedScopes(request.scope ?? "", app.scope) ??
        refuse(
          "invalid_scope",
          "The scope names a scope that does not exist, or that this app may not have.",
        );
      return { app, redirectUri, scopes, codeChallenge: request.code_challenge! };
    },

    async approve(actor, { app, scopes, codeChallenge }, request) {
      requireSession(actor);
      const { text, hash } = createSecret("code");
      const now = clock.now();
      const grantId = await store.insertGrant(
        {
          appId: app.id,
          userId: actor.userId,
          scopes,
          codeHash: hash,
          codeExpiresAt: new Date(now.getTime() + CODE_MS),
          codeChallenge,
          redirectUri: request.redirect_uri ?? "",
        },
        GRANTS_PER_APP,
        now,
      );
      return { code: text, grantId };
    },
  };
}

/** The URI to redirect to. It may be omitted if only one is registered. */
function redirectOf(app: AppRow, asked: string | undefined): string {
  if (asked === undefined && app.redirectUris.length === 1) return app.redirectUris[0]!;
  if (asked !== undefined && isRegistered(app.redirectUris, asked)) return asked;
  throw new FleetError(
    "invalid_argument",
    asked === undefined
      ? "redirect_uri is required, because the app has registered several."
      : "The redirect_uri is not one that the app has registered. It must match exactly.",
  );
}
