import { bearerToken, FleetError } from "@fleet/base";
import { SCOPES } from "@fleet/rbac";
import type { RouteQuery, Routes } from "@fleet/sdk";
import { toOAuth2App, toOAuth2Client, toOAuth2Secret } from "../../convert/oauth2.js";
import type { CryptoKeys } from "../../cryptokeys/service.js";
import { AuthorizationRefused, OAuthError } from "../../oauth2/errors.js";
import { withParameters } from "../../oauth2/redirect-uri.js";
import { type ClientMetadata, GRANT_TYPES, RESPONSE_TYPES } from "../../oauth2/registration.js";
import { shownScope } from "../../oauth2/scopes.js";
import type { OAuth2Provider } from "../../oauth2/service.js";
import { AUTH_METHODS } from "../../oauth2/store.js";
import type { ClientCredentials } from "../../oauth2/tokens.js";
import { createFormProof } from "../form-proof.js";
import type { HandlerRequest, Handlers } from "../handler.js";
import { consentPage } from "../pages/consent.js";
import { Reply } from "../reply.js";
import { requireDeployment } from "./debug.js";

const FORM = "application/x-www-form-urlencoded";
/** RFC 6749 §5.1. */
const UNCACHED = { "Cache-Control": "no-store", Pragma: "no-cache" };
/** What an app that acts for a developer needs. Clients that ask for all advertised scopes should not get everything. */
const ADVERTISED_SCOPES = [
  "user:read",
  ...SCOPES.filter((scope) => /^coder:(workspaces|templates)\./.test(scope)),
];

type AuthorizationQuery = RouteQuery<Routes["oauth2Authorize"]>;

export type OAuth2HandlerOptions = {
  provider: OAuth2Provider;
  cryptoKeys: CryptoKeys;
  accessUrl: string;
  /** Whether this deployment is an OAuth2 provider. */
  enabled: boolean;
  now(): Date;
};

export function createOAuth2Handlers({
  provider,
  cryptoKeys,
  accessUrl,
  enabled,
  now,
}: OAuth2HandlerOptions) {
  const { apps, authorization, registrations, tokens } = provider;
  const issuer = new URL(accessUrl).origin;
  const proofs = createFormProof(cryptoKeys, "oauth2 consent");
  const at = (path: string) => new URL(path, accessUrl).href;

  function requireEnabled(): void {
    if (!enabled) throw new FleetError("not_found", "The OAuth2 provider of this deployment is disabled.");
  }

  /** Redirects to the app with the answer. `iss` tells it which server answered (RFC 9207). */
  function answer(
    uri: string,
    query: AuthorizationQuery,
    parameters: Record<string, string>,
    made?: string,
  ): Reply {
    const location = withParameters(uri, { ...parameters, state: query.state, iss: issuer });
    return redirect(location, made);
  }

  /** Tells the app about a fault that it caused; others are shown to the user. */
  async function refusing(query: AuthorizationQuery, work: () => Promise<Reply>): Promise<Reply> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AuthorizationRefused)) throw error;
      return answer(error.redirectUri, query, { error: error.error, error_description: error.message });
    }
  }

  function signIn(query: AuthorizationQuery): Reply {
    const back = withParameters("/oauth2/authorize", query);
    return redirect(withParameters(at("/login"), { redirect: back }));
  }

  return {
    oauth2ServerMetadata: async () => {
      requireEnabled();
      const registration = await provider.registrationEnabled();
      return {
        issuer,
        authorization_endpoint: at("/oauth2/authorize"),
        token_endpoint: at("/oauth2/tokens"),
        ...(registration ? { registration_endpoint: at("/oauth2/register") } : {}),
        revocation_endpoint: at("/oauth2/revoke"),
        response_types_supported: [...RESPONSE_TYPES],
        response_modes_supported: ["query"],
        grant_types_supported: [...GRANT_TYPES],
        code_challenge_methods_supported: ["S256"],
        scopes_supported: [...SCOPES],
        token_endpoint_auth_methods_supported: [...AUTH_METHODS],
        revocation_endpoint_auth_methods_supported: [...AUTH_METHODS],
        authorization_response_iss_parameter_supported: true,
      };
    },

    oauth2ResourceMetadata: async () => {
      requireEnabled();
      return {
        resource: issuer,
        authorization_servers: [issuer],
        scopes_supported: ADVERTISED_SCOPES,
        bearer_methods_supported: ["header"],
      };
    },

    oauth2Authorize: async ({ actor, query }) => {
      requireEnabled();
      return refusing(query, async () => {
        const question = await authorization.check(query);
        if (actor.kind !== "user") return signIn(query);
        authorization.requireSession(actor);
        const { username, email } = actor;
        return consentPage({ question, username, email, proof: await proofs.of(actor, query) });
      });
    },

    oauth2AuthorizeDecide: async ({ actor, query, raw, contentType }) => {
      requireEnabled();
      return refusing(query, async () => {
        const question = await authorization.check(query);
        if (actor.kind !== "user") return signIn(query);
        const form = raw.length > 0 ? formOf({ raw, contentType }) : {};
        if (!(await proofs.isGiven(actor, query, form.proof ?? ""))) {
          throw new FleetError(
            "permission_denied",
            "Your answer could not be verified. Go back to the app, and authorize it again.",
          );
        }
        if (form.decision === "deny") {
          const error_description = "The user denied the request.";
          return answer(question.redirectUri, query, { error: "access_denied", error_description });
        }
        const { code, grantId } = await authorization.approve(actor, question, query);
        return answer(question.redirectUri, query, { code }, grantId);
      });
    },

    oauth2TokenCreate: async (request) => {
      requireEnabled();
      const form = formOf(request);
      const result = await tokens.exchange(credentialsOf(request, form), form, request.ip);
      if ("reused" in result) {
        const { error, message } = result.reused;
        return new Reply({ error, error_description: message }, { status: 400, headers: UNCACHED });
      }
      const { accessToken, refreshToken, expiresAt, scopes } = result.tokens;
      return new Reply(
        {
          access_token: accessToken,
          token_type: "Bearer",
          expires_in: Math.floor((expiresAt.getTime() - now().getTime()) / 1000),
          expiry: expiresAt.toISOString(),
          refresh_token: refreshToken,
          scope: shownScope(scopes),
        },
        { headers: UNCACHED },
      );
    },

    oauth2TokensRevoke: async ({ actor, query }) => {
      await apps.revokeAll(actor, query.client_id);
      return undefined;
    },

    oauth2Revoke: async (request) => {
      requireEnabled();
      const form = formOf(request);
      if (!form.token) throw new OAuthError("invalid_request", "token is required.");
      await tokens.revoke(credentialsOf(request, form), form.token);
      return undefined;
    },

    oauth2ClientRegister: async ({ body }) => {
      requireEnabled();
      const { app, token, secret } = await registrations.register(metadataOf(body));
      return new Reply(toOAuth2Client(app, at, { token, secret }), { headers: UNCACHED, made: app.id });
    },

    oauth2ClientGet: async (request) => {
      requireEnabled();
      const token = registrationToken(request);
      const app = await registrations.get(request.params.clientId, token);
      return new Reply(toOAuth2Client(app, at, { token }), { headers: UNCACHED });
    },

    oauth2ClientUpdate: async (request) => {
      requireEnabled();
      const { params, body } = request;
      if (body.client_id !== undefined && body.client_id !== params.clientId)
        throw new OAuthError("invalid_client_metadata", "client_id differs from the one in the path.");
      const token = registrationToken(request);
      const app = await registrations.update(params.clientId, token, metadataOf(body));
      return new Reply(toOAuth2Client(app, at, { token }), { headers: UNCACHED });
    },

    oauth2ClientDelete: async (request) => {
      requireEnabled();
      await registrations.delete(request.params.clientId, registrationToken(request));
      return undefined;
    },

    oauth2AppList: async ({ actor, query }) => {
      const userId = query.user_id === "me" && actor.kind === "user" ? actor.userId : query.user_id;
      return (await apps.list(actor, userId)).map((app) => toOAuth2App(app, at));
    },

    oauth2AppCreate: async ({ actor, body }) => toOAuth2App(await apps.create(actor, changesOf(body)), at),

    oauth2AppGet: async ({ actor, params }) => toOAuth2App(await apps.get(actor, params.oauth2App), at),

    oauth2AppUpdate: async ({ actor, params, body }) =>
      toOAuth2App(await apps.update(actor, params.oauth2App, changesOf(body)), at),

    oauth2AppDelete: async ({ actor, params }) => {
      await apps.delete(actor, params.oauth2App);
      return undefined;
    },

    oauth2AppSecretList: async ({ actor, params }) =>
      (await apps.listSecrets(actor, params.oauth2App)).map(toOAuth2Secret),

    oauth2AppSecretCreate: async ({ actor, params }) => {
      const { id, secret } = await apps.createSecret(actor, params.oauth2App);
      return { id, client_secret_full: secret };
    },

    oauth2AppSecretDelete: async ({ actor, params }) => {
      await apps.deleteSecret(actor, params.oauth2App, params.oauth2Secret);
      return undefined;
    },

    oauth2SettingsGet: async ({ actor }) => {
      requireDeployment(actor, "read", "deployment_config");
      return { dynamic_client_registration_enabled: await provider.registrationEnabled() };
    },

    oauth2SettingsUpdate: async ({ actor, body }) => {
      requireDeployment(actor, "update", "deployment_config");
      await provider.setRegistrationEnabled(body.dynamic_client_registration_enabled);
      return body;
    },
  } satisfies Partial<Handlers>;
}

function redirect(location: string, made?: string): Reply {
  const headers = { Location: location, "Cache-Control": "no-store" };
  return new Reply(undefined, { status: 303, headers, ...(made === undefined ? {} : { made }) });
}

type FormRequest = Pick<HandlerRequest<Routes["oauth2TokenCreate"]>, "raw" | "contentType">;

/** The fields of a form, none of which may be repeated (RFC 6749 §3.2). Empty fields count as omitted. */
function formOf({ raw, contentType }: FormRequest): Record<string, string | undefined> {
  if (contentType.toLowerCase() !== FORM)
    throw new OAuthError("invalid_request", `The request body must have the content type ${FORM}.`);
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(raw.toString("utf8"))) {
    if (fields.has(name))
      throw new OAuthError("invalid_request", `The field ${printable(name)} is repeated.`);
    fields.set(name, value);
  }
  return Object.fromEntries([...fields].filter(([, value]) => value !== ""));
}

function printable(name: string): string {
  return name.slice(0, 40).replace(/[^\w-]/g, "?");
}

type ClientRequest = Pick<HandlerRequest<Routes["oauth2TokenCreate"]>, "headers">;

/**
 * The client of a request, from the `Authorization` header or the form (RFC 6749 §2.3.1), but not from both. Secrets in
 * the query are never read.
 */
function credentialsOf(
  { headers }: ClientRequest,
  form: Record<string, string | undefined>,
): ClientCredentials {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(String(headers.authorization ?? "")) ?? [];
  if (encoded === undefined) {
    if (!form.client_id) throw new OAuthError("invalid_client", "client_id is required.");
    return { id: form.client_id, secret: form.client_secret };
  }
  if (form.client_secret !== undefined)
    throw new OAuthError("invalid_request", "Send the client secret in the header or the body, not in both.");
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, "base64").toString("utf8")) ?? [];
  const client = { id: formDecoded(id ?? ""), secret: formDecoded(secret ?? "") || undefined };
  if (form.client_id !== undefined && form.client_id !== client.id)
    throw new OAuthError("invalid_request", "client_id differs from the one in the Authorization header.");
  return client;
}

/** RFC 6749 §2.3.1: both parts are encoded like form fields. */
function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return "";
  }
}

function registrationToken({ headers }: ClientRequest): string {
  const token = bearerToken(String(headers.authorization ?? ""));
  if (token === undefined)
    throw new OAuthError(
      "invalid_token",
      "Send the registration access token as Authorization: Bearer <token>.",
    );
  return token;
}

type MetadataBody = HandlerRequest<Routes["oauth2ClientRegister"]>["body"];

function metadataOf(body: MetadataBody): ClientMetadata {
  const { client_uri, logo_uri, tos_uri, policy_uri, contacts, software_id, software_version } = body;
  const stated = { client_uri, logo_uri, tos_uri, policy_uri, contacts, software_id, software_version };
  const given = Object.entries(stated).filter(([, value]) => value !== undefined && value.length > 0);
  return {
    redirectUris: body.redirect_uris,
    name: body.client_name,
    authMethod: body.token_endpoint_auth_method,
    grantTypes: body.grant_types,
    responseTypes: body.response_types,
    scope: body.scope,
    metadata: Object.fromEntries(given) as Record<string, string | string[]>,
  };
}

type AppBody = HandlerRequest<Routes["oauth2AppUpdate"]>["body"];

function changesOf({ name, icon, callback_url, redirect_uris, scope }: AppBody) {
  return { name, icon, callbackUrl: callback_url, redirectUris: redirect_uris, scope };
}
