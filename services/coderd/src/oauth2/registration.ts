import { type Clock, FleetError, isUuid, type Logger } from "@fleet/base";
import { canonicalScope, isScope } from "@fleet/rbac";
import { hashToken, sameHash } from "../auth/tokens.js";
import { appNameProblem, normalizedAppName } from "./app-name.js";
import { hintOf } from "./apps.js";
import { OAuthError } from "./errors.js";
import { redirectUriProblem } from "./redirect-uri.js";
import { splitScope } from "./scopes.js";
import { createSecret } from "./secrets.js";
import { type AppFields, type AppRow, AUTH_METHODS, type OAuth2Store } from "./store.js";

/**
 * Maximum self-registered apps that no user has authorized yet. Anyone can register one; those that nobody authorizes
 * within a day are deleted.
 */
const PENDING_LIMIT = 1_000;

export const GRANT_TYPES: readonly string[] = ["authorization_code", "refresh_token"];
export const RESPONSE_TYPES: readonly string[] = ["code"];
/** The name of an app that gave none. */
const DEFAULT_NAME = "OAuth2 client";

/** What a client states about itself (RFC 7591 §2). Those of `metadata` are returned as given, and otherwise unused. */
export type ClientMetadata = {
  redirectUris: string[];
  name?: string | undefined;
  authMethod?: string | undefined;
  grantTypes?: string[] | undefined;
  responseTypes?: string[] | undefined;
  scope?: string | undefined;
  metadata: Record<string, string | string[]>;
};

/** Apps that register themselves, and manage their registration with the token that they got (RFC 7591, RFC 7592). */
export type OAuth2Registrations = {
  /**
   * Registers an app. A public client (`none`) gets no secret.
   * @throws OAuthError invalid_client_metadata, invalid_redirect_uri; permission_denied while registration is disabled;
   * resource_exhausted if too many apps wait for a first authorization.
   */
  register(client: ClientMetadata): Promise<{ app: AppRow; token: string; secret?: string }>;
  /** @throws OAuthError invalid_token for a wrong token, and for an app that is not registered. */
  get(id: string, token: string): Promise<AppRow>;
  /** Replaces the metadata. An app cannot change between public and confidential. */
  update(id: string, token: string, client: ClientMetadata): Promise<AppRow>;
  /** Deletes the app and its tokens. */
  delete(id: string, token: string): Promise<void>;
};

export function createOAuth2Registrations(options: {
  store: OAuth2Store;
  enabled(): Promise<boolean>;
  clock: Clock;
  logger: Logger;
}): OAuth2Registrations {
  const { store, enabled, logger } = options;

  async function get(id: string, token: string): Promise<AppRow> {
    const app = isUuid(id) ? await store.findApp(id) : undefined;
    if (!app?.registrationHash || !sameHash(hashToken(token), app.registrationHash))
      throw new OAuthError("invalid_token", "The registration access token is not valid for this client.");
    return app;
  }

  return {
    get,

    async register(client) {
      if (!(await enabled())) {
        throw new FleetError(
          "permission_denied",
          "Dynamic client registration is disabled. Ask an administrator to create the app.",
        );
      }
      const fields = fieldsOf(client, AUTH_METHODS[0]);
      if ((await store.countPendingApps()) >= PENDING_LIMIT) {
        logger.warn("rejected a client registration: too many apps wait for their first authorization", {
          limit: PENDING_LIMIT,
        });
        throw new FleetError(
          "resource_exhausted",
          "Too many clients are registered and not yet authorized by a user. Try again later.",
        );
      }
      const registration = createSecret("registration");
      const app = await store.insertApp({ ...fields, registrationHash: registration.hash });
      if (app.authMethod === "none") return { app, token: registration.text };
      const { text, hash } = createSecret("secret");
      await store.insertSecret(app.id, hash, hintOf(text));
      return { app, token: registration.text, secret: text };
    },

    async update(id, token, client) {
      const app = await get(id, token);
      const fields = fieldsOf(client, app.authMethod);
      if ((fields.authMethod === "none") !== (app.authMethod === "none")) {
        throw new OAuthError(
          "invalid_client_metadata",
          "A client cannot change between public and confidential. Register another one.",
        );
      }
      return store.updateApp(app.id, fields);
    },

    async delete(id, token) {
      await store.deleteApp((await get(id, token)).id);
    },
  };
}

function fieldsOf(client: ClientMetadata, defaultMethod: string): AppFields {
  if (client.redirectUris.length === 0)
    throw new OAuthError("invalid_redirect_uri", "At least one redirect URI is required.");
  for (const uri of client.redirectUris) {
    const problem = redirectUriProblem(uri);
    if (problem) throw new OAuthError("invalid_redirect_uri", problem);
  }
  const name = normalizedAppName(client.name ?? "") || DEFAULT_NAME;
  const authMethod = client.authMethod || defaultMethod;
  const problem = appNameProblem(name) ?? metadataProblem(client, authMethod);
  if (problem) throw new OAuthError("invalid_client_metadata", problem);
  return {
    name,
    icon: "",
    redirectUris: [...new Set(client.redirectUris)],
    scope: scopeOf(client.scope ?? ""),
    authMethod,
    metadata: client.metadata,
  };
}

function metadataProblem(client: ClientMetadata, authMethod: string): string | undefined {
  const offered = (values: readonly string[] | undefined, all: readonly string[]) =>
    values?.find((value) => !all.includes(value));
  if (!(AUTH_METHODS as readonly string[]).includes(authMethod))
    return `token_endpoint_auth_method must be one of ${AUTH_METHODS.join(", ")}.`;
  if (offered(client.grantTypes, GRANT_TYPES) !== undefined)
    return `grant_types can contain ${GRANT_TYPES.join(" and ")}.`;
  if (client.grantTypes?.length && !client.grantTypes.includes("authorization_code"))
    return "grant_types must contain authorization_code.";
  if (offered(client.responseTypes, RESPONSE_TYPES) !== undefined)
    return `response_types can contain ${RESPONSE_TYPES.join(" and ")}.`;
  const bad = Object.entries(client.metadata).find(
    ([field, value]) => field.endsWith("_uri") && !isWebPage(String(value)),
  );
  return bad && `${bad[0]} must be an https:// URL.`;
}

function isWebPage(text: string): boolean {
  const url = URL.parse(text);
  const local = url?.hostname === "localhost" || url?.hostname === "127.0.0.1";
  return url !== null && (url.protocol === "https:" || (url.protocol === "http:" && local));
}

/**
 * The scopes that exist; the server may replace what the client asked for (RFC 7591 §3.2.1). None of them would mean
 * no limit, so that is refused.
 */
function scopeOf(text: string): string {
  const asked = splitScope(text);
  const known = asked.filter(isScope).map(canonicalScope);
  if (asked.length > 0 && known.length === 0)
    throw new OAuthError("invalid_client_metadata", "None of the scopes exists. Omit scope for no limit.");
  return [...new Set(known)].join(" ");
}
