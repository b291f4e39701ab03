import type { IncomingMessage } from "node:http";
import {
  localPath,
  SIGNED_APP_COOKIE,
  SIGNED_APP_QUERY,
  SUBDOMAIN_APP_COOKIE,
  sharedCookieDomain,
} from "@fleet/app-url";
import { type Clock, errorMessage, isFleetError, type Logger, MIN_PORT, SESSION_COOKIE } from "@fleet/base";
import type { ClientFacts } from "../http/client-facts.js";
import { deploymentCookie } from "../http/cookies.js";
import type { RawHeaders } from "../http/headers.js";
import type { Page } from "../http/pages.js";
import type { Coderd } from "../session/coderd.js";
import type { SettingsStore } from "../session/settings.js";
import type { AppHosts, RequestedApp } from "./address.js";
import { appCredentials } from "./credentials.js";
import { allowOrigin, crossOriginOf, isForeignAction } from "./cross-origin.js";
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
import { APP_KEY_PARAMETER, appPath, lacksAppQuery, withoutParameters } from "./target.js";
import { createWaking } from "./waking.js";

/** Query parameters that hold a client's credentials. */
const SECRET_PARAMETERS = [SIGNED_APP_QUERY, SESSION_COOKIE];

/** Everything needed to forward a request to its app, or the response to send instead. */
export type Admission =
  | { admitted: true; grant: Grant; path: string; added: RawHeaders }
  | { admitted: false; page: Page }
  | { admitted: false; redirect: string; headers?: Record<string, string> };

/** Decides whether a request goes on to its app. What cannot be decided is a page that says so: it never throws. */
export type Admit = (request: IncomingMessage, app: RequestedApp, facts: ClientFacts) => Promise<Admission>;

export type AdmissionOptions = {
  coderd: Pick<Coderd, "exchangeAppKey" | "wakeWorkspace">;
  gatekeeper: Gatekeeper;
  settings: SettingsStore;
  hosts: AppHosts;
  clock: Clock;
  log: Logger;
};

export function createAdmission(options: AdmissionOptions): Admit {
  const { coderd, gatekeeper, settings, hosts, clock, log } = options;
  const waking = createWaking({ coderd, clock });

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

  async function decide(request: IncomingMessage, app: RequestedApp, facts: ClientFacts): Promise<Admission> {
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
    const ask = () => gatekeeper.decide(app, credentials, requestUrl);
    let decision = await ask();
    if (asAnybody && decision.kind !== "granted") return { admitted: false, page: FOREIGN_PAGE };
    if (decision.kind === "refused")
      decision = await waking.resolve(request, credentials.sessionToken, decision, ask);
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

  return async (request, app, facts) => {
    try {
      return await decide(request, app, facts);
    } catch (error) {
      if (isFleetError(error, "invalid_argument")) return { admitted: false, page: badUrlPage(error, app) };
      log.warn("Failed to authorize a request to an app.", {
        reason: errorMessage(error),
        requestId: facts.requestId,
      });
      return { admitted: false, page: undecidedPage(error) };
    }
  };
}
