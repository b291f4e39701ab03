import { FleetError } from "@fleet/base";

/** The name of a workspace and optionally one of its agents. */
export type WorkspaceName = { owner: string; workspace: string; agent?: string };

const PART = /^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$/;

/**
 * Parses `ws`, `owner/ws`, `ws.agent`, `owner/ws.agent`, the forms with `--` used in host names (`owner--ws`,
 * `owner--ws.agent`, `owner--ws--agent`), and `agent.ws.owner`. The owner defaults to `me`.
 */
export function parseWorkspaceName(text: string): WorkspaceName {
  const parts = text.split(/\/|--|\./);
  const dotsOnly = !text.includes("/") && !text.includes("--");
  const [first = "", second = "", third = ""] = parts;
  if (parts.length > 3 || parts.some((part) => !PART.test(part))) {
    throw new FleetError(
      "invalid_argument",
      `"${text}" is not a valid workspace name. Format: workspace, owner/workspace or owner/workspace.agent`,
    );
  }
  if (parts.length === 1) return { owner: "me", workspace: first };
  if (parts.length === 3) {
    return dotsOnly
      ? { owner: third, workspace: second, agent: first }
      : { owner: first, workspace: second, agent: third };
  }
  return dotsOnly ? { owner: "me", workspace: first, agent: second } : { owner: first, workspace: second };
}

/** The workspace's name in a config-ssh host name: without prefix or suffix. */
export function nameOfHost(host: string, prefix: string | undefined, suffix: string | undefined): string {
  if (prefix && host.startsWith(prefix)) return host.slice(prefix.length);
  if (suffix && host.endsWith(`.${suffix}`)) return host.slice(0, -suffix.length - 1);
  return host;
}
