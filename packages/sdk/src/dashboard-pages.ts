import { createRouteMatcher } from "./match.js";

/**
 * The dashboard's pages. The server responds with the dashboard at these paths and nowhere else; the dashboard's
 * own router has the same ones. `:name` is one segment, `@:user` one that starts with `@`, and a trailing `*` any rest.
 */
export const DASHBOARD_PAGES = [
  "/",
  "/login",
  "/login/device",
  "/setup",
  "/reset-password",
  "/reset-password/change",
  "/cli-auth",
  "/external-auth/:provider",
  "/workspaces",
  "/templates",
  "/templates/new",
  "/templates/:template",
  "/templates/:template/versions",
  "/templates/:template/source",
  "/templates/:template/workspaces",
  "/templates/:template/rollouts",
  "/templates/:template/insights",
  "/templates/:template/settings",
  "/templates/:template/settings/general",
  "/templates/:template/settings/schedule",
  "/templates/:template/settings/permissions",
  "/templates/:template/settings/variables",
  "/templates/:template/versions/:version",
  "/templates/:template/workspace",
  "/users",
  "/notifications",
  "/settings",
  "/settings/account",
  "/settings/tokens",
  "/settings/ssh-keys",
  "/settings/security",
  "/settings/external-auth",
  "/settings/secrets",
  "/settings/apps",
  "/settings/schedule",
  "/settings/appearance",
  "/settings/notifications",
  "/groups",
  "/groups/:group",
  "/organizations",
  "/organizations/:organization",
  "/organizations/:organization/members",
  "/organizations/:organization/roles",
  "/organizations/:organization/quotas",
  "/organizations/:organization/idp-sync",
  "/organizations/:organization/settings",
  "/audit",
  "/connectionlog",
  "/deployment/proxies",
  "/deployment/settings",
  "/deployment/appearance",
  "/deployment/notifications",
  "/deployment/webhooks",
  "/deployment/policies",
  "/deployment/oauth2-apps",
  "/deployment/oauth2-apps/:app",
  "/deployment/idp-sync",
  "/deployment/licenses",
  "/deployment/provisioners",
  "/deployment/health",
  "/@:user/:workspace/terminal",
  "/@:user/:workspace/*",
] as const;

const OF_A_USER = /^\/@[^/]+\/[^/]+(?:\/.*)?$/;

const matcher = createRouteMatcher(
  Object.fromEntries(
    DASHBOARD_PAGES.filter((page) => !page.startsWith("/@")).map((path) => [
      path,
      { method: "GET", path, summary: "", access: "public" } as const,
    ]),
  ),
);

/** True for the path of a dashboard page. */
export function isDashboardPage(pathname: string): boolean {
  return OF_A_USER.test(pathname) || matcher.patternOf(pathname) !== undefined;
}
