import { isFleetError } from "@fleet/base";
import { isTunnelClosed } from "@fleet/tunnel";
import type { Page } from "../http/pages.js";
import { AgentNotConnected } from "../tunnel/dial.js";
import type { RequestedApp } from "./address.js";

/** What the user is told when a granted request did not reach its app. */
export function pageOf(error: unknown, app: RequestedApp, appUrl: string): Page {
  const name = app.slugOrPort;
  const workspace = `${app.username}/${app.workspace}`;
  if (error instanceof AgentNotConnected || isTunnelClosed(error)) {
    return {
      status: 502,
      title: "The workspace's agent is not connected",
      message: `${workspace} is not running, is still starting, or has lost its connection. Start it, or wait a moment: this page tries again by itself.`,
      retrySeconds: 5,
    };
  }
  if (isFleetError(error, "resource_exhausted")) {
    return { status: 429, title: "Too many connections", message: error.message };
  }
  if (isFleetError(error, "deadline_exceeded")) {
    return {
      status: 504,
      title: "The workspace does not answer",
      message: `The agent of ${workspace} did not answer in time. It may be overloaded. This page tries again by itself.`,
      retrySeconds: 5,
    };
  }
  if (isFleetError(error, "permission_denied", "invalid_argument")) {
    return { status: 502, title: `${name} cannot be opened`, message: error.message };
  }
  return {
    status: 502,
    title: `${name} is not listening`,
    message: `Nothing answers at ${appUrl} in ${workspace}. Start the app there, or check its port. This page tries again by itself.`,
    retrySeconds: 5,
  };
}

/** What the user is told when coderd could not be asked. */
export function undecidedPage(error: unknown): Page {
  const away = isFleetError(error, "unavailable", "deadline_exceeded");
  return {
    status: away ? 503 : 502,
    title: "The control plane does not answer",
    message: "Whether you may open this app could not be found out. This page tries again by itself.",
    retrySeconds: 3,
  };
}

export const PATH_APPS_DISABLED: Page = {
  status: 403,
  title: "Apps under this address are turned off",
  message: "The operator allows apps on hosts of their own only. Open the app from the dashboard.",
};

export const RESERVED_PORT: Page = {
  status: 400,
  title: "This port is the agent's own",
  message: "Ports below 9 are reserved for the agent. Have the app listen on another one.",
};

export const NO_SUCH_APP: Page = {
  status: 404,
  title: "No app has this address",
  message: "The host does not name an app. Open the app from the dashboard, or check the address.",
};

export const FOREIGN_PAGE: Page = {
  status: 403,
  title: "Refused",
  message: "A page of another site or of another user's app made this request.",
};

export const BAD_KEY: Page = {
  status: 400,
  title: "Signing in to the app did not work",
  message: "The sign-in has expired or was used before. Try again.",
};

/** A status of its own kind for clients that cannot follow a redirect to a login page. */
export function signInPage(url: string): Page {
  return {
    status: 401,
    title: "Sign in to open this app",
    message: "You are signed out, or your session has expired.",
    action: { url, label: "Sign in" },
  };
}
