import { type ApiKeys, keyIdOf } from "../../apikeys/service.js";
import type { Audit } from "../../audit/service.js";
import type { Actor } from "../../auth/actor.js";
import { ProviderNotConfigured } from "../../signin/errors.js";
import { FLOW_SECONDS, type Flows } from "../../signin/flows.js";
import type { Provider } from "../../signin/provider.js";
import { redirectPath } from "../../signin/redirect.js";
import type { SignIn } from "../../signin/service.js";
import type { Handlers } from "../handler.js";
import { Reply } from "../reply.js";
import type { SessionCookies } from "../session-cookie.js";

export type SignInHandlerOptions = {
  signIn: SignIn;
  flows: Flows;
  oidc: Provider | undefined;
  apiKeys: ApiKeys;
  audit: Audit;
  cookies: SessionCookies;
  accessUrl: string;
};

type CallbackQuery = Partial<
  Record<"code" | "state" | "iss" | "error" | "error_description" | "redirect", string | undefined>
>;

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

  async function start(provider: Provider, { query, headers }: CallbackRequest): Promise<Reply> {
    const { flow, sealed } = await flows.start({
      provider: provider.type,
      redirect: redirectPath(query.redirect, accessUrl),
    });
    return new Reply(undefined, {
      headers: {
        location: await provider.authorizationUrl(flow),
        "cache-control": "no-store",
        "set-cookie": cookies.flow(flow.state, sealed, FLOW_SECONDS, headers.cookie?.toString()),
      },
    });
  }

  async function finish(provider: Provider, request: CallbackRequest): Promise<Reply> {
    const { query, headers, ip } = request;
    const sealed = cookies.readFlow(query.state, headers.cookie?.toString());
    const flow = await flows.take(provider.type, query.state, sealed);
    const { redirect: _, ...answer } = query;
    const given = Object.entries(answer).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const identity = await provider.identify(new URLSearchParams(given), flow);
    const { user, session, created } = await signIn.complete(identity, provider.admission, {
      requestId: request.requestId,
      ip: request.ip,
      userAgent: request.userAgent,
    });
    if (created) {
      const { requestId, userAgent } = request;
      const after = await audit.after("user", { id: user.id }, undefined);
      await audit.record({
        action: "create",
        type: "user",
        userId: user.id,
        before: undefined,
        after,
        status: 303,
        requestId,
        ip,
        userAgent,
      });
    }
    const maxAge = Math.floor(options.apiKeys.settings.sessionDurationMs / 1000);
    return new Reply(undefined, {
      made: keyIdOf(session.token),
      headers: {
        location: new URL(flow.redirect, accessUrl).href,
        "cache-control": "no-store",
        "set-cookie": [cookies.flowEnded(flow.state), cookies.session(session.token, maxAge)],
      },
    });
  }

  async function callback(
    provider: Provider | undefined,
    name: "oidc" | "github",
    request: CallbackRequest,
  ): Promise<Reply> {
    if (!provider) throw new ProviderNotConfigured(name);
    const { code, state, error } = request.query;
    const isAnswer = code !== undefined || state !== undefined || error !== undefined;
    return isAnswer ? finish(provider, request) : start(provider, request);
  }

  return {
    oidcCallback: (request) => callback(options.oidc, "oidc", request),
  } satisfies Partial<Handlers>;
}
