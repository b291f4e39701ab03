import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import {
  localPath,
  SIGNED_APP_COOKIE,
  SIGNED_APP_QUERY,
  SUBDOMAIN_APP_COOKIE,
  sharedCookieDomain,
} from "@fleet/app-url";
import { type Clock, errorMessage, isFleetError, type Logger, MIN_PORT, SESSION_COOKIE } from "@fleet/base";
import { isTunnelClosed } from "@fleet/tunnel";
import { type Answer, answer, answerUpgrade } from "../http/answer.js";
import type { ClientFacts } from "../http/client-facts.js";
import { deploymentCookie } from "../http/cookies.js";
import { forwardRequest, hasBody, isAnswer } from "../http/forward.js";
import { answerCall, forwardCall } from "../http/grpc.js";
import type { RawHeaders } from "../http/headers.js";
import type { Page, Pages } from "../http/pages.js";
import { forwardUpgrade } from "../http/upgrade.js";
import type { Coderd } from "../session/coderd.js";
import type { StreamGrants } from "../session/grants.js";
import type { SettingsStore } from "../session/settings.js";
import type { LiveStreams } from "../streams.js";
import { AgentNotConnected } from "../tunnel/dial.js";
import type { AppHosts, RequestedApp } from "./address.js";
import { requestHeaders, responseHeaders } from "./app-headers.js";
import type { AppConnections } from "./connections.js";
import { appCredentials } from "./credentials.js";
import {
  allowOrigin,
  crossOriginOf,
  isForeignAction,
  isPreflight,
  preflightHeaders,
} from "./cross-origin.js";
import { faultPage } from "./faults.js";
import type { Gatekeeper, Grant } from "./gatekeeper.js";
import {
  BAD_KEY,
  badUrlPage,
  FOREIGN_PAGE,
  PATH_APPS_DISABLED,
  RESERVED_PORT,
  signInPage,
  undecidedPage,
} from "./refusals.js";
import type { AppStats } from "./stats.js";
import { APP_KEY_PARAMETER, appPath, lacksAppQuery, withoutParameters } from "./target.js";

/** Query parameters that hold a client's credentials. */
const SECRET_PARAMETERS = [SIGNED_APP_QUERY, SESSION_COOKIE];

export type AppProxyOptions = {
  coderd: Pick<Coderd, "exchangeAppKey">;
  gatekeeper: Gatekeeper;
  connections: AppConnections;
  settings: SettingsStore;
  streams: LiveStreams;
  grants: Pick<StreamGrants, "hold">;
  stats: AppStats;
  pages: Pages;
  hosts: AppHosts;
  clock: Clock;
  log: Logger;
};

/** The outcome of a request, for its log line and metrics. */
export type AppEnd = {
  target?: Grant["target"];
  /** Set if the connection was upgraded. */
  status?: number;
  bytesIn?: number;
  bytesOut?: number;
  error?: Error;
};

/** Answers requests to the apps of workspaces. */
export type AppProxy = {
  request(
    request: IncomingMessage,
    response: ServerResponse,
    app: RequestedApp,
    facts: ClientFacts,
  ): Promise<AppEnd>;
  upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    app: RequestedApp,
    facts: ClientFacts,
  ): Promise<AppEnd>;
  /** A gRPC call. */
  call(
    request: IncomingMessage,
    stream: ServerHttp2Stream,
    app: RequestedApp,
    facts: ClientFacts,
  ): Promise<AppEnd>;
};

/** Everything needed to forward a request to its app, or the response to send instead. */
type Admission =
  | { admitted: true; grant: Grant; path: string; added: RawHeaders }
  | { admitted: false; page: Page }
  | { admitted: false; redirect: string; headers?: Record<string, string> };

export function createAppProxy(options: AppProxyOptions): AppProxy {
  const { coderd, gatekeeper, connections, settings, streams, grants, stats, pages, hosts, clock, log } =
    options;

  /** Exchanges the key from the access URL for a cookie on this host, and redirects the browser to the clean URL. */
  async function exchange(app: RequestedApp, facts: ClientFacts, key: string): Promise<Admission> {
    const { accessUrl, wildcard } = settings.required();
    try {
      const { sessionToken, expiresAtMs } = await coderd.exchangeAppKey({
        encryptedKey: key,
        hostname: facts.host.replace(/:\d+$/, ""),
      });
      // Apps of one user may call each other, even an app that this browser has not opened yet.
      const domain = wildcard && sharedCookieDomain(wildcard);
      const maxAgeSeconds = Math.floor((Number(expiresAtMs) - clock.now().getTime()) / 1000);
      const secure = accessUrl.protocol === "https:";
      const cookie = deploymentCookie(SUBDOMAIN_APP_COOKIE, sessionToken, {
        path: "/",
        domain,
        maxAgeSeconds,
        secure,
      });
      return {
        admitted: false,
        redirect: localPath(withoutParameters(app.rest, [APP_KEY_PARAMETER])),
        headers: { "Set-Cookie": cookie },
      };
    } catch (error) {
      if (isFleetError(error, "unavailable", "deadline_exceeded", "internal"))
        return { admitted: false, page: undecidedPage(error) };
      const url = localPath(withoutParameters(app.rest, [APP_KEY_PARAMETER]));
      return { admitted: false, page: { ...BAD_KEY, action: { url, label: "Try again" } } };
    }
  }

  async function admit(request: IncomingMessage, app: RequestedApp, facts: ClientFacts): Promise<Admission> {
    const { accessUrl, disablePathApps } = settings.required();
    if (app.method === "path" && disablePathApps) return { admitted: false, page: PATH_APPS_DISABLED };
    const safe = request.method === "GET" || request.method === "HEAD";
    const crossOrigin = crossOriginOf(request, app, hosts);
    // A cross-origin fetch cannot follow a redirect to a login page.
    const navigates = safe && request.headers.upgrade === undefined && crossOrigin === "none";
    const rawQuery = (request.url ?? "").split("?").slice(1).join("?");
    if (!app.rest.startsWith("/") && navigates)
      return { admitted: false, redirect: `${app.base}/${app.rest}` };
    const query = new URLSearchParams(rawQuery);
    const key = query.get(APP_KEY_PARAMETER);
    if (key && app.method === "subdomain" && safe) return exchange(app, facts, key);

    // A foreign page reaches public apps only: cookies that the browser adds by itself are ignored.
    const asAnybody = isForeignAction(request, crossOrigin);
    const credentials = appCredentials(request, app, { ambient: !asAnybody });
    const requestUrl = `${accessUrl.protocol}//${facts.host}${withoutParameters(request.url ?? "/", SECRET_PARAMETERS)}`;
    const decision = await gatekeeper.decide(app, credentials, requestUrl);
    if (asAnybody && decision.kind !== "granted") return { admitted: false, page: FOREIGN_PAGE };
    if (decision.kind === "redirect") {
      return navigates
        ? { admitted: false, redirect: decision.url }
        : { admitted: false, page: signInPage(decision.url) };
    }
    if (decision.kind === "refused") return { admitted: false, page: decision };

    const { grant } = decision;
    const { endpoint, url: appUrl } = grant.target;
    if (endpoint.port < MIN_PORT) return { admitted: false, page: RESERVED_PORT };
    const rest = withoutParameters(app.rest.startsWith("/") ? app.rest : `/${app.rest}`, SECRET_PARAMETERS);
    if (navigates && lacksAppQuery(rest, appUrl)) {
      return { admitted: false, redirect: `${app.base}/${appUrl.search}` };
    }
    const ours = crossOrigin === "same-user" && !grant.target.corsPassthru;
    const added: RawHeaders = ours ? allowOrigin(request) : [];
    if (grant.signedToken && app.method === "subdomain") {
      const maxAgeSeconds = Math.floor((grant.expiresAtMs - clock.now().getTime()) / 1000);
      const at = { path: "/", maxAgeSeconds, secure: accessUrl.protocol === "https:" };
      added.push("Set-Cookie", deploymentCookie(SIGNED_APP_COOKIE, grant.signedToken, at));
    }
    return { admitted: true, grant, path: appPath(rest, appUrl), added };
  }

  async function tryAdmit(
    request: IncomingMessage,
    app: RequestedApp,
    facts: ClientFacts,
  ): Promise<Admission> {
    try {
      return await admit(request, app, facts);
    } catch (error) {
      if (isFleetError(error, "invalid_argument")) return { admitted: false, page: badUrlPage(error, app) };
      log.warn("Failed to authorize a request to an app.", {
        reason: errorMessage(error),
        requestId: facts.requestId,
      });
      return { admitted: false, page: undecidedPage(error) };
    }
  }

  function refuse(
    request: IncomingMessage,
    app: RequestedApp,
    admission: Admission & { admitted: false },
    facts: ClientFacts,
  ): Answer {
    if ("page" in admission) return pageFor(request, app, admission.page, facts);
    const headers = { Location: admission.redirect, ...admission.headers };
    return { status: 303, contentType: "text/plain; charset=utf-8", body: "", headers };
  }

  /** An error page of the proxy. Other apps of the same user may read it, so that they can report what went wrong. */
  function pageFor(request: IncomingMessage, app: RequestedApp, page: Page, facts: ClientFacts): Answer {
    const content = pages.answerTo(request, { ...page, requestId: facts.requestId });
    if (crossOriginOf(request, app, hosts) !== "same-user") return content;
    return {
      ...content,
      headers: { ...content.headers, ...Object.fromEntries(pairs(allowOrigin(request))) },
    };
  }

  return {
    async request(request, response, app, facts) {
      const admission = await tryAdmit(request, app, facts);
      if (response.destroyed) return {};
      const asksTheApp = admission.admitted && admission.grant.target.corsPassthru;
      if (!asksTheApp && isPreflight(request) && crossOriginOf(request, app, hosts) === "same-user") {
        response.writeHead(204, preflightHeaders(request)).end();
        return {};
      }
      if (!admission.admitted) {
        request.resume();
        answer(response, refuse(request, app, admission, facts));
        return {};
      }
      const { grant, path, added } = admission;
      const { target } = grant;
      const { endpoint, url: appUrl } = target;
      const done = stats.begin(app, target);
      // A response, such as a download or an event stream, may last for hours.
      const release = grants.hold(target.grant, grant.issuedAtMs, () => response.destroy());
      try {
        await forwardRequest({
          request,
          response,
          headers: requestHeaders(request.rawHeaders, facts),
          send: (headers) =>
            connections.request(endpoint, { method: request.method ?? "GET", path, headers }),
          responseHeaders: (raw) => responseHeaders(raw, app, target.corsPassthru, added),
          again: createRetry(request),
        });
        return { target };
      } catch (error) {
        if (!response.destroyed) {
          request.resume();
          const page = faultPage(error, app, appUrl.origin);
          answer(response, pageFor(request, app, page, facts));
        }
        return { target, error: error as Error };
      } finally {
        release();
        done();
      }
    },

    async upgrade(request, socket, head, app, facts) {
      socket.on("error", () => {});
      const admission = await tryAdmit(request, app, facts);
      if (!admission.admitted) {
        const content = refuse(request, app, admission, facts);
        answerUpgrade(socket, content);
        return { status: content.status };
      }
      const { grant, path, added } = admission;
      const { target } = grant;
      const { endpoint, url: appUrl } = target;
      const live = { kind: "app" as const, ...target, decidedAtMs: grant.issuedAtMs };
      let release: () => void;
      try {
        release = streams.add(live, () => socket.destroy());
      } catch (error) {
        const content = pageFor(request, app, faultPage(error, app, appUrl.origin), facts);
        answerUpgrade(socket, content);
        return { target, status: content.status, error: error as Error };
      }
      const done = stats.begin(app, target);
      const end = await forwardUpgrade({
        request,
        socket,
        head,
        send: (headers) =>
          connections.requestAlone(endpoint, { method: request.method ?? "GET", path, headers }),
        headers: requestHeaders(request.rawHeaders, facts),
        responseHeaders: (raw) => responseHeaders(raw, app, target.corsPassthru, added),
        onError: (error) => pageFor(request, app, faultPage(error, app, appUrl.origin), facts),
      });
      release();
      done();
      return { target, ...end };
    },

    async call(request, stream, app, facts) {
      const admission = await tryAdmit(request, app, facts);
      if (stream.closed) return {};
      if (!admission.admitted) {
        const page = "page" in admission ? admission.page : signInPage(admission.redirect);
        answerCall(stream, page);
        return { status: page.status };
      }
      const { grant, path } = admission;
      const { target } = grant;
      const done = stats.begin(app, target);
      let release = () => {};
      try {
        const live = { kind: "app" as const, ...target, decidedAtMs: grant.issuedAtMs };
        release = streams.add(live, () => stream.close());
        await forwardCall({
          stream,
          connection: await connections.dial(target.endpoint, "h2"),
          authority: facts.host,
          path,
          headers: requestHeaders(request.rawHeaders, facts),
          responseHeaders: (raw) => responseHeaders(raw, app, target.corsPassthru, []),
        });
        return { target, status: 200 };
      } catch (error) {
        const page = faultPage(error, app, target.url.origin);
        answerCall(stream, page);
        return { target, status: page.status, error: error as Error };
      } finally {
        release();
        done();
      }
    },
  };
}

/** Methods that may be retried when a pooled connection turns out to be closed. */
const REPEATABLE = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * The app may close a pooled connection at the moment it is reused, and the tunnel or the replica on the path may be
 * lost: such a request is retried once. If the dialer did not find the agent, it has already waited for it.
 */
function createRetry(request: IncomingMessage) {
  let left = !hasBody(request) && REPEATABLE.has(request.method ?? "") ? 1 : 0;
  return (upstream: ClientRequest, outcome: Error | IncomingMessage): Promise<void> | undefined => {
    if (left === 0 || isAnswer(outcome) || outcome instanceof AgentNotConnected) return undefined;
    if (!upstream.reusedSocket && !isTunnelClosed(outcome)) return undefined;
    left -= 1;
    return Promise.resolve();
  };
}

function pairs(raw: RawHeaders): [string, string][] {
  return raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1]!] as [string, string]] : []));
}
