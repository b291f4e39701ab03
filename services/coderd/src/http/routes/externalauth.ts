import { readCookie } from "@fleet/app-url";
import { FleetError, isFleetError } from "@fleet/base";
import type { Actor } from "../../auth/actor.js";
import { agentOwner } from "../../auth/agent-owner.js";
import { authorizer, requireUser } from "../../auth/authorizer.js";
import type { Account } from "../../externalauth/accounts.js";
import type { Provider } from "../../externalauth/providers.js";
import type { ExternalAuth, ProviderView } from "../../externalauth/service.js";
import { SIGN_IN_SECONDS } from "../../externalauth/sign-in.js";
import { redirectPath } from "../../signin/redirect.js";
import { UserNotFound } from "../../users/errors.js";
import type { HandlerRequest, Handlers } from "../handler.js";
import { Reply } from "../reply.js";

/** Holds what a sign-in in this browser needs at its end. */
const COOKIE = "coder_external_auth";

export type ExternalAuthHandlerOptions = {
  externalAuth: ExternalAuth;
  accessUrl: string;
  /** Whether cookies are only sent over HTTPS. */
  secureCookie: boolean;
};

type Callback = HandlerRequest<typeof import("@fleet/sdk")["routes"]["externalAuthCallback"]>;
type AgentAsk = HandlerRequest<typeof import("@fleet/sdk")["routes"]["agentSelfExternalAuth"]>;

export function createExternalAuthHandlers(options: ExternalAuthHandlerOptions) {
  const { externalAuth, accessUrl } = options;

  const cookie = (value: string, maxAge: number) =>
    `${COOKIE}=${value}; Path=/external-auth/; HttpOnly; SameSite=Lax; Max-Age=${maxAge}${options.secureCookie ? "; Secure" : ""}`;
  const redirectTo = (location: string, more: { cookie?: string; made?: string } = {}) =>
    new Reply(undefined, {
      headers: {
        location,
        "cache-control": "no-store",
        ...(more.cookie !== undefined && { "set-cookie": more.cookie }),
      },
      ...(more.made !== undefined && { made: more.made }),
    });

  /** The caller, who may do this to the caller's own account. */
  function own(actor: Actor, action: "read_personal" | "update_personal"): string {
    const { userId } = requireUser(actor);
    authorizer.require(actor, action, { type: "user", id: userId, ownerId: userId }, new UserNotFound());
    return userId;
  }

  /** Sends the browser to the provider, and takes it back from there. */
  async function callback({ actor, params, query, headers }: Callback): Promise<Reply> {
    if (actor.kind !== "user") {
      const login = new URL("/login", accessUrl);
      login.searchParams.set("redirect", `/external-auth/${encodeURIComponent(params.provider)}`);
      return redirectTo(login.href);
    }
    const userId = own(actor, "update_personal");
    const provider = externalAuth.provider(params.provider);
    const page = externalAuth.signInUrl(provider);
    if (query.code === undefined && query.error === undefined) {
      const begun = await externalAuth.beginSignIn(
        provider,
        userId,
        redirectPath(query.redirect ?? page, accessUrl),
      );
      return redirectTo(begun.location, { cookie: cookie(begun.cookie, SIGN_IN_SECONDS) });
    }
    const failed = (reason: string) => {
      const back = new URL(page);
      back.searchParams.set("error", reason);
      return redirectTo(back.href, { cookie: cookie("", 0) });
    };
    if (query.error !== undefined) return failed(query.error_description || query.error);
    try {
      const returned = { cookie: readCookie(String(headers.cookie ?? ""), COOKIE), state: query.state ?? "" };
      const redirect = await externalAuth.completeSignIn(provider, userId, query.code ?? "", returned);
      return redirectTo(new URL(redirect, accessUrl).href, {
        cookie: cookie("", 0),
        made: linkId(userId, provider),
      });
    } catch (error) {
      // The browser shows a page, not an error's JSON.
      if (isFleetError(error) && error.code !== "internal") return failed(error.message);
      throw error;
    }
  }

  async function credentials({ actor, query, signal }: AgentAsk) {
    const { ownerId } = agentOwner(actor);
    const provider = query.id ? externalAuth.provider(query.id) : externalAuth.matching(query.match ?? "");
    if (!provider) {
      throw new FleetError("not_found", "No external authentication provider is configured for this URL.");
    }
    const link = await externalAuth.credentials(provider, ownerId, {
      listen: query.listen ? signal : undefined,
    });
    const common = { type: provider.type, access_token: "", url: "", username: "", password: "" };
    if (!link) return { ...common, url: externalAuth.signInUrl(provider) };
    const token = link.accessToken;
    return {
      ...common,
      access_token: token,
      token_extra: link.extra,
      username: provider.gitUsername,
      password: token,
    };
  }

  return {
    externalAuthList: async ({ actor }) => {
      const views = await externalAuth.views(own(actor, "read_personal"));
      return {
        providers: views.map(({ provider }) => toProvider(provider)),
        links: views.flatMap((view) => (view.link ? [toLink(view)] : [])),
      };
    },

    externalAuthGet: async ({ actor, params }) => {
      const userId = own(actor, "read_personal");
      const provider = externalAuth.provider(params.provider);
      const view = await externalAuth.view(provider, userId);
      const installed = await externalAuth.installations(view);
      return {
        authenticated: view.authenticated,
        device: provider.deviceFlow,
        display_name: provider.displayName,
        display_icon: provider.displayIcon,
        supports_revocation: provider.endpoints.revoke !== undefined,
        user: view.account ? toAccount(view.account) : null,
        app_installable: installed !== undefined,
        installations: (installed ?? []).map(({ id, account, configureUrl }) => ({
          id,
          account: toAccount(account),
          configure_url: configureUrl,
        })),
        app_install_url: provider.appInstallUrl,
      };
    },

    externalAuthDelete: async ({ actor, params }) => {
      const userId = own(actor, "update_personal");
      const { revoked, error } = await externalAuth.unlink(externalAuth.provider(params.provider), userId);
      return { token_revoked: revoked, ...(error && { token_revocation_error: error }) };
    },

    externalAuthDevice: async ({ actor, params }) => {
      own(actor, "update_personal");
      const code = await externalAuth.beginDevice(deviceProvider(params.provider));
      return {
        device_code: code.deviceCode,
        user_code: code.userCode,
        verification_uri: code.verificationUri,
        expires_in: code.expiresIn,
        interval: code.interval,
      };
    },

    externalAuthDeviceExchange: async ({ actor, params, body }) => {
      const userId = own(actor, "update_personal");
      const provider = deviceProvider(params.provider);
      await externalAuth.completeDevice(provider, userId, body.device_code);
      return new Reply(undefined, { made: linkId(userId, provider) });
    },

    externalAuthCallback: callback,

    gitAuthCallback: async ({ params, query }) => {
      const url = new URL(`/external-auth/${encodeURIComponent(params.provider)}/callback`, accessUrl);
      for (const [name, value] of Object.entries(query))
        if (value !== undefined) url.searchParams.set(name, value);
      return redirectTo(url.href);
    },

    agentSelfExternalAuth: credentials,
    agentSelfGitAuth: credentials,
  } satisfies Partial<Handlers>;

  function deviceProvider(id: string): Provider {
    const provider = externalAuth.provider(id);
    if (provider.deviceFlow) return provider;
    throw new FleetError(
      "invalid_argument",
      `${provider.displayName} is not configured for the device flow.`,
    );
  }
}

/** Identifies a link in the audit log. */
function linkId(userId: string, { id }: Provider): string {
  return `${userId}:${id}`;
}

function toProvider(provider: Provider) {
  return {
    id: provider.id,
    type: provider.type,
    device: provider.deviceFlow,
    display_name: provider.displayName,
    display_icon: provider.displayIcon,
    allow_refresh: provider.refresh,
    allow_validate: provider.endpoints.validate !== undefined,
    supports_revocation: provider.endpoints.revoke !== undefined,
    code_challenge_methods_supported: provider.pkce ? ["S256"] : [],
  };
}

function toLink({ provider, link, authenticated, error }: ProviderView) {
  return {
    provider_id: provider.id,
    created_at: link!.createdAt.toISOString(),
    updated_at: link!.updatedAt.toISOString(),
    has_refresh_token: link!.refreshToken !== "",
    expires: (link!.expiresAt ?? NEVER).toISOString(),
    authenticated,
    validate_error: error,
  };
}

/** Clients know the year 1 as "no time". */
const NEVER = new Date("0001-01-01T00:00:00Z");

function toAccount({ id, login, avatarUrl, profileUrl, name }: Account) {
  return { id, login, avatar_url: avatarUrl, profile_url: profileUrl, name };
}
