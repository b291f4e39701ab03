import { FleetError } from "@fleet/base";
import { type ApiKeys, keyIdOf } from "../../apikeys/service.js";
import type { Audit } from "../../audit/service.js";
import type { Actor } from "../../auth/actor.js";
import { requireUser } from "../../auth/authorizer.js";
import { type Conversions, isUser } from "../../signin/conversion.js";
import { ProviderNotConfigured } from "../../signin/errors.js";
import { FLOW_SECONDS, type Flow, type Flows } from "../../signin/flows.js";
import type { GithubProvider } from "../../signin/github.js";
import type { Provider } from "../../signin/provider.js";
import { redirectPath } from "../../signin/redirect.js";
import type { Identity, SignIn } from "../../signin/service.js";
import type { Handlers } from "../handler.js";
import { Reply } from "../reply.js";
import type { SessionCookies } from "../session-cookie.js";

export type SignInHandlerOptions = {
  signIn: SignIn;
  flows: Flows;
  conversions: Conversions;
  oidc: Provider | undefined;
  github: GithubProvider | undefined;
  /** What the OpenID Connect provider said about a user. */
  claimsOf(userId: string): Promise<Readonly<Record<string, unknown>>>;
  apiKeys: ApiKeys;
  audit: Audit;
  cookies: SessionCookies;
  accessUrl: string;
};

type OneProvider = Provider | GithubProvider;

type CallbackQuery = Partial<
  Record<
    "code" | "state" | "iss" | "error" | "error_description" | "redirect" | "oidc_merge_state",
    string | undefined
  >
>;

/** What the provider sends. */
const ANSWER = ["code", "state", "iss", "error", "error_description"] as const;

type CallbackRequest = {
  query: CallbackQuery;
  headers: Record<string, string | string[] | undefined>;
  actor: Actor;
  ip: string;
  requestId: string;
  userAgent: string;
};

/** Each provider has one route: without an answer of the provider, it starts a sign-in. */
export function createSignInHandlers(options: SignInHandlerOptions) {
  const { signIn, flows, cookies, accessUrl, audit } = options;

  async function start(provider: Provider, { query, headers, actor }: CallbackRequest): Promise<Reply> {
    const merge = query.oidc_merge_state;
    const { flow, sealed } = await flows.start({
      provider: provider.type,
      redirect: redirectPath(query.redirect, accessUrl),
      convertUserId: merge ? await options.conversions.open(actor, merge, provider.type) : undefined,
    });
    return new Reply(undefined, {
      headers: {
        location: await provider.authorizationUrl(flow),
        "cache-control": "no-store",
        "set-cookie": cookies.flow(flow.state, sealed, FLOW_SECONDS, headers.cookie?.toString()),
      },
    });
  }

  /** Signs the user in, or changes its login type, and writes the audit entry of the user itself. */
  async function enter(provider: Provider, flow: Flow, identity: Identity, request: CallbackRequest) {
    const { requestId, ip, userAgent } = request;
    const { convertUserId } = flow;
    if (convertUserId && !isUser(request.actor, convertUserId)) {
      throw new FleetError(
        "permission_denied",
        "You have signed out, or in as another user, since you started to change the login type. Start it again.",
      );
    }
    const audited = { requestId, ip, userAgent };
    const before = await audit.before("user", convertUserId ? { id: convertUserId } : undefined);
    const signedIn = convertUserId
      ? await signIn.convert(convertUserId, identity, provider.admission, audited)
      : await signIn.complete(identity, provider.admission, audited);
    const { user, created } = signedIn;
    if (convertUserId || created) {
      const after = await audit.after("user", { id: user.id }, before);
      const action = created ? "create" : "write";
      await audit.record({ ...audited, action, type: "user", userId: user.id, before, after, status: 303 });
    }
    return signedIn;
  }

  async function finish(provider: OneProvider, request: CallbackRequest): Promise<Reply> {
    const { query, headers } = request;
    const sealed = cookies.readFlow(query.state, headers.cookie?.toString());
    const polled = "deviceFlow" in provider && provider.deviceFlow;
    const flow = await flows.take(provider.type, query.state, sealed, { again: polled });
    const given = ANSWER.flatMap((name): [string, string][] =>
      query[name] === undefined ? [] : [[name, query[name]]],
    );
    const identity = await provider.identify(new URLSearchParams(given), flow);
    const { session } = await enter(provider, flow, identity, request);
    const maxAge = Math.floor(options.apiKeys.settings.sessionDurationMs / 1000);
    const target = new URL(flow.redirect, accessUrl).href;
    return new Reply(polled ? { redirect_url: target } : undefined, {
      made: keyIdOf(session.token),
      ...(polled ? { status: 200 } : {}),
      headers: {
        ...(polled ? {} : { location: target }),
        "cache-control": "no-store",
        "set-cookie": [cookies.flowEnded(flow.state), cookies.session(session.token, maxAge)],
      },
    });
  }

  async function callback(
    provider: OneProvider | undefined,
    name: "oidc" | "github",
    request: CallbackRequest,
  ): Promise<Reply> {
    if (!provider) throw new ProviderNotConfigured(name);
    const { code, state, error } = request.query;
    const isAnswer = code !== undefined || state !== undefined || error !== undefined;
    return isAnswer ? finish(provider, request) : start(provider, request);
  }

  return {
    convertLogin: async ({ actor, params, body }) => {
      const { userId, state, expiresAt } = await options.conversions.begin(actor, params.user, {
        toType: body.to_type,
        password: body.password,
      });
      return {
        state_string: state,
        expires_at: expiresAt.toISOString(),
        to_type: body.to_type,
        user_id: userId,
      };
    },

    oidcClaims: async ({ actor }) => ({ claims: await options.claimsOf(requireUser(actor).userId) }),

    oidcCallback: (request) => callback(options.oidc, "oidc", request),
    githubCallback: (request) => callback(options.github, "github", request),
    githubDevice: async () => {
      if (!options.github) throw new ProviderNotConfigured("github");
      return options.github.device();
    },
  } satisfies Partial<Handlers>;
}
