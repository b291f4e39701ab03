import type * as wire from "@fleet/sdk";
import { GRANT_TYPES, RESPONSE_TYPES } from "../oauth2/registration.js";
import type { AppRow, SecretRow } from "../oauth2/store.js";

/** The URL of a path of this deployment. */
type At = (path: string) => string;

export function toOAuth2App(app: AppRow, at: At): wire.OAuth2ProviderApp {
  return {
    id: app.id,
    name: app.name,
    icon: app.icon,
    callback_url: app.redirectUris[0] ?? "",
    redirect_uris: app.redirectUris,
    client_type: app.authMethod === "none" ? "public" : "confidential",
    dynamically_registered: app.registrationHash !== null,
    scope: app.scope,
    created_at: app.createdAt.toISOString(),
    endpoints: {
      authorization: at("/oauth2/authorize"),
      token: at("/oauth2/tokens"),
      token_revoke: at("/oauth2/revoke"),
      device_authorization: "",
    },
  };
}

export function toOAuth2Secret(secret: SecretRow): wire.OAuth2AppSecret {
  return {
    id: secret.id,
    created_at: secret.createdAt.toISOString(),
    last_used_at: secret.lastUsedAt?.toISOString() ?? null,
    client_secret_truncated: `******${secret.hint}`,
  };
}

/** The registration of an app; its secret only when it was issued. */
export function toOAuth2Client(
  app: AppRow,
  at: At,
  { token, secret }: { token: string; secret?: string | undefined },
): wire.OAuth2Client {
  return {
    client_id: app.id,
    ...(secret ? { client_secret: secret } : {}),
    client_id_issued_at: Math.floor(app.createdAt.getTime() / 1000),
    ...(app.authMethod === "none" ? {} : { client_secret_expires_at: 0 }),
    registration_client_uri: at(`/oauth2/clients/${app.id}`),
    registration_access_token: token,
    redirect_uris: app.redirectUris,
    client_name: app.name,
    token_endpoint_auth_method: app.authMethod,
    grant_types: [...GRANT_TYPES],
    response_types: [...RESPONSE_TYPES],
    scope: app.scope,
    ...(app.metadata as Pick<wire.OAuth2Client, "client_uri">),
  };
}
