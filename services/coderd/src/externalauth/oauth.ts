import { createHash, randomBytes } from "node:crypto";
import { FleetError } from "@fleet/base";
import { type Answer, call } from "./http.js";
import type { Provider } from "./providers.js";

/** What a provider grants. */
export type Grant = {
  accessToken: string;
  /** Empty if the provider does not refresh tokens. */
  refreshToken: string;
  /** Seconds that the access token is valid; undefined if it does not expire. */
  expiresIn: number | undefined;
  /** Further fields of the answer that the provider's settings name. */
  extra: Record<string, unknown>;
};

/** A code to enter at the provider; times in seconds. */
export type DeviceCode = {
  deviceCode: string;
  userCode: string;
  verificationUri: string;
  expiresIn: number;
  interval: number;
};

/** The provider refuses: `reason` is its error code, such as `invalid_grant` or `authorization_pending`. */
export class ProviderRefused extends FleetError {
  readonly reason: string;

  constructor(provider: Provider, reason: string, description: string) {
    super("invalid_argument", `${provider.displayName} refused: ${description || reason}.`, {
      detail: reason,
    });
    this.reason = reason;
  }
}

/** Error codes that say that a refresh token is of no use any more. Others may be a mistake of the server's settings. */
const FINAL = new Set([
  "invalid_grant",
  "bad_refresh_token",
  "invalid_refresh_token",
  "token_revoked",
  "token_expired",
  "interaction_required",
]);

/** True if the user has to sign in again. */
export function isFinal(error: unknown): error is ProviderRefused {
  return error instanceof ProviderRefused && FINAL.has(error.reason);
}

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";
/** What is kept of the answer besides the tokens. */
const MAX_EXTRA_BYTES = 16 * 1024;
const DEFAULT_INTERVAL_S = 5;
const MAX_LIFETIME_S = 10 * 365 * 24 * 3600;

export function newVerifier(): string {
  return randomBytes(32).toString("base64url");
}

/** The URL to send the browser to (RFC 6749 §4.1.1, RFC 7636). */
export function authorizeUrl(
  provider: Provider,
  { redirectUri, state, verifier }: { redirectUri: string; state: string; verifier: string },
): string {
  const url = new URL(provider.authorizeUrl);
  const scopes = provider.scopes.join(" ");
  const query: Record<string, string | undefined> = {
    client_id: provider.clientId,
    redirect_uri: redirectUri,
    response_type: provider.type === "azure-devops" ? "Assertion" : "code",
    state,
    // Slack's `scope` is for the app's own bot; what users grant for themselves is `user_scope`.
    [provider.type === "slack" ? "user_scope" : "scope"]: scopes || undefined,
    resource: provider.resource,
    ...(provider.pkce && {
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
    }),
  };
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url.href;
}

/** Exchanges the code that the browser came back with. @throws ProviderRefused; unavailable. */
export function exchangeCode(
  provider: Provider,
  { code, redirectUri, verifier }: { code: string; redirectUri: string; verifier: string },
): Promise<Grant> {
  if (provider.type === "azure-devops") return azureGrant(provider, JWT_BEARER, code, redirectUri);
  return requestGrant(provider, {
    grant_type: "authorization_code",
    code,
    redirect_uri: redirectUri,
    ...(provider.pkce && { code_verifier: verifier }),
    ...(provider.resource && { resource: provider.resource }),
  });
}

/** A new access token. The refresh token stays the same if the provider does not send another. */
export async function refreshGrant(
  provider: Provider,
  refreshToken: string,
  redirectUri: string,
): Promise<Grant> {
  const grant =
    provider.type === "azure-devops"
      ? await azureGrant(provider, "refresh_token", refreshToken, redirectUri)
      : await requestGrant(provider, {
          grant_type: "refresh_token",
          refresh_token: refreshToken,
          ...(provider.resource && { resource: provider.resource }),
        });
  return { ...grant, refreshToken: grant.refreshToken || refreshToken };
}

/** Starts a sign-in by code (RFC 8628). */
export async function startDevice(provider: Provider): Promise<DeviceCode> {
  const { status, fields } = await call(provider.displayName, provider.endpoints.device!, {
    method: "POST",
    body: new URLSearchParams({ client_id: provider.clientId, scope: provider.scopes.join(" ") }),
  });
  const url = text(fields.verification_uri) || text(fields.verification_url);
  if (status >= 400 || !text(fields.device_code) || !url) throw refusalOf(provider, status, fields);
  return {
    deviceCode: text(fields.device_code),
    userCode: text(fields.user_code),
    verificationUri: url,
    expiresIn: seconds(fields.expires_in) ?? 0,
    interval: seconds(fields.interval) ?? DEFAULT_INTERVAL_S,
  };
}

/** @throws ProviderRefused with `authorization_pending` or `slow_down` until the user has entered the code. */
export function exchangeDevice(provider: Provider, deviceCode: string): Promise<Grant> {
  return requestGrant(provider, { grant_type: DEVICE_GRANT, device_code: deviceCode });
}

/** Ends a grant at the provider (RFC 7009; GitHub and Slack have their own ways). @throws ProviderRefused; unavailable. */
export async function revoke(provider: Provider, grant: Pick<Grant, "accessToken" | "refreshToken">) {
  const { accessToken, refreshToken } = grant;
  const url = provider.endpoints.revoke!;
  const basic = basicOf(provider);
  const done =
    provider.type === "github"
      ? await call(provider.displayName, url, {
          method: "DELETE",
          headers: { Authorization: basic, "Content-Type": "application/json" },
          body: JSON.stringify({ access_token: accessToken }),
        })
      : provider.type === "slack"
        ? await call(provider.displayName, url, { method: "POST", headers: bearer(accessToken) })
        : await call(provider.displayName, url, {
            method: "POST",
            body: new URLSearchParams({
              ...credentialsOf(provider),
              token: refreshToken || accessToken,
              token_type_hint: refreshToken ? "refresh_token" : "access_token",
            }),
          });
  if (done.status >= 400 || done.fields.ok === false) throw refusalOf(provider, done.status, done.fields);
}

export function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}

async function requestGrant(provider: Provider, form: Record<string, string>): Promise<Grant> {
  const { displayName, endpoints } = provider;
  const send = (body: Record<string, string>, headers: Record<string, string> = {}) =>
    call(displayName, endpoints.token, { method: "POST", body: new URLSearchParams(body), headers });
  let answer = await send({ ...form, ...credentialsOf(provider) });
  // Some accept the client's credentials in the header only (RFC 6749 §2.3.1); nothing was used up by this refusal.
  if (answer.status === 401 && provider.clientSecret) {
    answer = await send(form, { Authorization: basicOf(provider) });
  }
  return grantOf(provider, answer);
}

/** Azure DevOps' own service takes the code as an assertion. */
async function azureGrant(provider: Provider, grantType: string, assertion: string, redirectUri: string) {
  const answer = await call(provider.displayName, provider.endpoints.token, {
    method: "POST",
    body: new URLSearchParams({
      client_assertion_type: CLIENT_ASSERTION,
      client_assertion: provider.clientSecret,
      grant_type: grantType,
      assertion,
      redirect_uri: redirectUri,
    }),
  });
  return grantOf(provider, answer);
}

function grantOf(provider: Provider, { status, fields }: Answer): Grant {
  // Slack puts what its user granted below the bot's token, and refuses with status 200, as GitHub does.
  const user = fields.authed_user as Record<string, unknown> | undefined;
  const found = provider.type === "slack" && user?.access_token ? user : fields;
  if (status >= 400 || !text(found.access_token)) throw refusalOf(provider, status, fields);
  return {
    accessToken: text(found.access_token),
    refreshToken: text(found.refresh_token),
    expiresIn: seconds(found.expires_in),
    extra: extraOf(provider, fields),
  };
}

/** The fields that the settings name, without tokens inside of them. */
function extraOf({ extraKeys }: Provider, fields: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.fromEntries(extraKeys.filter((key) => key in fields).map((key) => [key, fields[key]]));
  const json = JSON.stringify(kept, (key, value) =>
    /^(access|refresh)_token$/.test(key) ? undefined : value,
  );
  return json.length > MAX_EXTRA_BYTES ? {} : JSON.parse(json);
}

function refusalOf(provider: Provider, status: number, fields: Record<string, unknown>): FleetError {
  const reason = text(fields.error) || text(fields.Error);
  if (!reason && (status >= 500 || status === 429 || status < 400)) {
    return new FleetError(
      "unavailable",
      `${provider.displayName} answered with status ${status}. Try again in a moment.`,
    );
  }
  const description = text(fields.error_description) || text(fields.ErrorDescription);
  return new ProviderRefused(
    provider,
    (reason || `status ${status}`).slice(0, 200),
    description.slice(0, 500).replace(/\.$/, ""),
  );
}

function credentialsOf({ clientId, clientSecret }: Provider): Record<string, string> {
  return { client_id: clientId, ...(clientSecret && { client_secret: clientSecret }) };
}

function basicOf({ clientId, clientSecret }: Provider): string {
  const encoded = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
  return `Basic ${Buffer.from(encoded).toString("base64")}`;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Azure writes numbers as strings. */
function seconds(value: unknown): number | undefined {
  const number = typeof value === "string" || typeof value === "number" ? Number(value) : Number.NaN;
  return Number.isFinite(number) && number > 0 ? Math.min(Math.floor(number), MAX_LIFETIME_S) : undefined;
}
