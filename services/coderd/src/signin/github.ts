import { FleetError } from "@fleet/base";
import * as oidc from "openid-client";
import { EmailMissing, EmailNotVerified, NotInAllowedOrganization } from "./errors.js";
import { emailOf, lineOf, webUrlOf } from "./profile.js";
import type { Provider } from "./provider.js";
import { providerFetch } from "./provider-http.js";
import type { Admission, Identity } from "./service.js";

export type GithubOptions = {
  clientId: string;
  /** Not needed for the device flow. */
  clientSecret: string | undefined;
  /** The callback. */
  redirectUrl: string;
  /** Base URL of a GitHub Enterprise Server; undefined for github.com. */
  enterpriseUrl: string | undefined;
  deviceFlow: boolean;
  /** The page on which users enter their code, if the device flow is used. */
  devicePage: string;
  allowEveryone: boolean;
  /** Organizations of which users must be in at least one. */
  allowedOrgs: readonly string[];
  /** `organization/team`: users must be in at least one, if there are any. */
  allowedTeams: readonly string[];
  admission: Admission;
};

/** What a user needs in order to permit the sign-in on another device. */
export type DeviceCode = {
  device_code: string;
  user_code: string;
  verification_uri: string;
  /** Seconds, as is the interval between polls. */
  expires_in: number;
  interval: number;
};

/** GitHub, or a GitHub Enterprise Server. With the device flow, the code of the callback is that of the device. */
export type GithubProvider = Provider & {
  readonly deviceFlow: boolean;
  /** Starts the device flow. @throws failed_precondition if it is not enabled. */
  device(): Promise<DeviceCode>;
};

const SCOPES = "read:user user:email read:org";
/** A user's organizations are read in pages of this size, up to this many. */
const PAGE_SIZE = 100;
const MAX_PAGES = 10;
const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";
/** A device code may be polled again after these. */
const PENDING: ReadonlySet<string> = new Set(["authorization_pending", "slow_down"]);

type Json = Record<string, unknown>;

/** @throws invalid_argument for settings that do not fit together. */
export function createGithubProvider(options: GithubOptions): GithubProvider {
  checkOptions(options);
  const { clientId, clientSecret, redirectUrl, deviceFlow, allowEveryone, allowedOrgs, allowedTeams } =
    options;
  const web = (options.enterpriseUrl ?? "https://github.com").replace(/\/+$/, "");
  const api = options.enterpriseUrl ? `${web}/api/v3` : "https://api.github.com";

  async function post(path: string, fields: Record<string, string>): Promise<Json> {
    const response = await providerFetch(`${web}${path}`, {
      method: "POST",
      headers: { accept: "application/json" },
      body: new URLSearchParams(fields),
    });
    const body: unknown = await response.json().catch(() => undefined);
    if (typeof body !== "object" || body === null) throw unexpected(path);
    return body as Json;
  }

  /** Undefined for 404. */
  async function get(path: string, token: string): Promise<unknown> {
    const response = await providerFetch(`${api}${path}`, {
      headers: {
        accept: "application/vnd.github+json",
        authorization: `Bearer ${token}`,
        "user-agent": "coder",
      },
    });
    if (response.status === 404) return undefined;
    const body: unknown = await response.json().catch(() => undefined);
    if (response.status !== 200 || typeof body !== "object" || body === null) throw unexpected(path);
    return body;
  }

  async function accessToken(code: string, verifier: string): Promise<string> {
    const fields: Record<string, string> = deviceFlow
      ? { client_id: clientId, device_code: code, grant_type: DEVICE_GRANT }
      : {
          client_id: clientId,
          client_secret: clientSecret ?? "",
          code,
          redirect_uri: redirectUrl,
          code_verifier: verifier,
        };
    const answer = await post("/login/oauth/access_token", fields);
    if (typeof answer.access_token === "string" && answer.access_token) return answer.access_token;
    const error = lineOf(answer.error);
    if (PENDING.has(error)) {
      throw new FleetError("invalid_argument", "The sign-in has not been permitted yet.", {
        detail: error,
      });
    }
    const reason = lineOf(answer.error_description) || error || "it sent no access token";
    throw new FleetError("permission_denied", `GitHub refused the sign-in: ${reason}`);
  }

  async function organizationsOf(token: string): Promise<Set<string>> {
    const names = new Set<string>();
    for (let page = 1; page <= MAX_PAGES; page++) {
      const query = `state=active&per_page=${PAGE_SIZE}&page=${page}`;
      const memberships = await get(`/user/memberships/orgs?${query}`, token);
      if (!Array.isArray(memberships)) throw unexpected("/user/memberships/orgs");
      for (const { state, organization } of memberships as { state?: unknown; organization?: Json }[])
        if (state === "active") names.add(lineOf(organization?.login).toLowerCase());
      if (memberships.length < PAGE_SIZE) break;
    }
    return names;
  }

  async function isInTeam(team: string, login: string, token: string): Promise<boolean> {
    const [organization, slug] = team.split("/").map(encodeURIComponent);
    const path = `/orgs/${organization}/teams/${slug}/memberships/${encodeURIComponent(login)}`;
    return ((await get(path, token)) as Json | undefined)?.state === "active";
  }

  async function requireMember(login: string, token: string): Promise<void> {
    if (allowEveryone) return;
    const organizations = await organizationsOf(token);
    if (!allowedOrgs.some((name) => organizations.has(name.toLowerCase())))
      throw new NotInAllowedOrganization();
    const teams = allowedTeams.filter((team) => organizations.has(team.split("/", 1)[0]!.toLowerCase()));
    for (const team of teams) if (await isInTeam(team, login, token)) return;
    if (allowedTeams.length > 0) throw new NotInAllowedOrganization();
  }

  async function emailFor(token: string): Promise<string> {
    const emails = await get("/user/emails", token);
    if (!Array.isArray(emails)) throw unexpected("/user/emails");
    const primary = (emails as Json[]).find((each) => each?.primary === true);
    const email = emailOf(primary?.email);
    if (!email) throw new EmailMissing("github", "the primary one");
    if (primary?.verified !== true) throw new EmailNotVerified(email);
    return email;
  }

  return {
    type: "github",
    admission: options.admission,
    deviceFlow,

    async authorizationUrl({ state, verifier, redirect }) {
      if (deviceFlow) return `${options.devicePage}?${new URLSearchParams({ state, redirect })}`;
      const query = new URLSearchParams({
        client_id: clientId,
        redirect_uri: redirectUrl,
        scope: SCOPES,
        state,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      });
      return `${web}/login/oauth/authorize?${query}`;
    },

    async device() {
      if (!deviceFlow) {
        throw new FleetError(
          "failed_precondition",
          "The device flow is not enabled on this deployment (CODER_OAUTH2_GITHUB_DEVICE_FLOW).",
        );
      }
      const answer = await post("/login/device/code", { client_id: clientId, scope: SCOPES });
      const code = {
        device_code: lineOf(answer.device_code),
        user_code: lineOf(answer.user_code),
        verification_uri: webUrlOf(answer.verification_uri),
        expires_in: Number(answer.expires_in) || 900,
        interval: Number(answer.interval) || 5,
      };
      if (!code.device_code || !code.user_code || !code.verification_uri)
        throw unexpected("/login/device/code");
      return code;
    },

    async identify(answer, { verifier }): Promise<Identity> {
      const code = answer.get("code");
      if (!code) {
        const reason = lineOf(answer.get("error_description") ?? answer.get("error")) || "it sent no code";
        throw new FleetError("permission_denied", `GitHub refused the sign-in: ${reason}`);
      }
      const token = await accessToken(code, verifier);
      const user = (await get("/user", token)) as Json | undefined;
      const login = lineOf(user?.login);
      if (!user || !Number.isSafeInteger(user.id) || !login) throw unexpected("/user");
      await requireMember(login, token);
      return {
        loginType: "github",
        linkedId: String(user.id),
        email: await emailFor(token),
        emailVerified: true,
        username: login,
        name: lineOf(user.name),
        avatarUrl: webUrlOf(user.avatar_url),
        claims: {},
        tokens: { access: token, refresh: "", id: "", expiresAt: null },
      };
    },
  };
}

function checkOptions(options: GithubOptions): void {
  const { allowEveryone, allowedOrgs, allowedTeams, clientSecret, deviceFlow } = options;
  const fault =
    !clientSecret && !deviceFlow
      ? "CODER_OAUTH2_GITHUB_CLIENT_SECRET: is required unless CODER_OAUTH2_GITHUB_DEVICE_FLOW is true."
      : allowEveryone && allowedOrgs.length + allowedTeams.length > 0
        ? "CODER_OAUTH2_GITHUB_ALLOW_EVERYONE: cannot be combined with allowed organizations or teams."
        : !allowEveryone && allowedOrgs.length === 0
          ? "CODER_OAUTH2_GITHUB_ALLOWED_ORGS: is required unless CODER_OAUTH2_GITHUB_ALLOW_EVERYONE is true."
          : allowedTeams.some((team) => !/^[^/]+\/[^/]+$/.test(team))
            ? "CODER_OAUTH2_GITHUB_ALLOWED_TEAMS: each team must be written as organization/team."
            : undefined;
  if (fault) throw new FleetError("invalid_argument", fault);
}

function unexpected(path: string): FleetError {
  return new FleetError("unavailable", `GitHub did not respond as expected (${path}). Try again later.`);
}
