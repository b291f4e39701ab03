import { type AppAddress, formatTarget, labelOf, parseLabel, parsePath } from "@fleet/app-url";
import type { SettingsStore } from "../session/settings.js";

/** An app as a request names it. It may not exist. */
export type RequestedApp = {
  method: "path" | "subdomain";
  /** Name, id or `me`. */
  username: string;
  workspace: string;
  /** Empty if the URL does not name one. */
  agent: string;
  slugOrPort: string;
  /** The deployment's part of the path, as the browser wrote it, without a trailing `/`. Empty for a subdomain. */
  base: string;
  /** Path and query for the app; without a leading `/` when the path ends where one should follow. */
  rest: string;
};

/** Reads `/@user/workspace[.agent]/apps/slug/…`; undefined for any other path. */
export function parsePathApp(path: string, query: string): RequestedApp | undefined {
  const parsed = parsePath(path);
  if (!parsed) return undefined;
  return requested("path", parsed.address, parsed.base, parsed.rest + (query === "" ? "" : `?${query}`));
}

export type AppHosts = {
  /** The app that a `Host` header names; undefined if it does not name one. */
  appOf(host: string, pathAndQuery: string): RequestedApp | undefined;
  /**
   * True for every host that is reserved for apps. Nothing else may be served there, because an app's page could use
   * it.
   */
  isAppHost(host: string): boolean;
};

/** Matches hosts against the deployment's current wildcard. */
export function createAppHosts(settings: SettingsStore): AppHosts {
  function label(host: string): string | undefined {
    const { accessUrl, wildcard } = settings.current() ?? {};
    return wildcard && host !== accessUrl?.host ? labelOf(host, wildcard) : undefined;
  }

  return {
    appOf(host, pathAndQuery) {
      const text = label(host);
      const address = text === undefined ? undefined : parseLabel(text);
      return address && requested("subdomain", address, "", pathAndQuery);
    },
    isAppHost: (host) => label(host) !== undefined,
  };
}

function requested(
  method: RequestedApp["method"],
  { target, agent = "", workspace, username }: AppAddress,
  base: string,
  rest: string,
): RequestedApp {
  return { method, username, workspace, agent, slugOrPort: formatTarget(target), base, rest };
}
