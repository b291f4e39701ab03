import { type FleetError, isFleetError } from "@fleet/base";
import type { Page } from "../http/pages.js";
import type { RequestedApp } from "./address.js";

/** The page shown when coderd cannot be reached. */
export function undecidedPage(error: unknown): Page {
  const away = isFleetError(error, "unavailable", "deadline_exceeded");
  return {
    status: away ? 503 : 502,
    title: "The control plane is unavailable",
    message: "Could not verify access to this app. This page reloads automatically.",
    code: "control_plane_unavailable",
    retrySeconds: 3,
  };
}

/** The page shown when the app's URL, which comes from its template, cannot be opened. */
export function badUrlPage(error: FleetError, app: RequestedApp): Page {
  return {
    status: 502,
    title: `Cannot open ${app.slugOrPort}`,
    message: `${error.message} Correct the app's url in the template.`,
    code: "app_url_invalid",
  };
}

export const PATH_APPS_DISABLED: Page = {
  status: 403,
  title: "Path-based apps are disabled",
  message: "This deployment serves apps on subdomains only. Open the app from the dashboard.",
  code: "path_apps_disabled",
};

export const RESERVED_PORT: Page = {
  status: 400,
  title: "This port is reserved",
  message: "Ports below 9 are reserved for the agent. Configure the app to listen on another port.",
  code: "reserved_port",
};

export const NO_SUCH_APP: Page = {
  status: 404,
  title: "App not found",
  message: "This hostname does not belong to an app. Open the app from the dashboard, or check the address.",
  code: "app_not_found",
};

export const FOREIGN_PAGE: Page = {
  status: 403,
  title: "Cross-origin request refused",
  message: "The request came from a page of another site or of another user's app.",
  code: "cross_origin_refused",
};

export const BAD_KEY: Page = {
  status: 400,
  title: "Could not sign in to the app",
  message: "The sign-in link has expired or was already used. Try again.",
  code: "sign_in_expired",
};

/** For clients that cannot follow a redirect to a login page. */
export function signInPage(url: string): Page {
  return {
    status: 401,
    title: "Sign in to open this app",
    message: "You are signed out, or your session has expired.",
    code: "sign_in_required",
    action: { url, label: "Sign in" },
  };
}
