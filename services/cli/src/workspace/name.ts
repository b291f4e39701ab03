import { FleetError } from "@fleet/base";

/** A workspace, and perhaps one of its agents, as a person names them. */
export type WorkspaceName = { owner: string; workspace: string; agent?: string };

const PART = /^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$/;

/**
 * Reads `ws`, `owner/ws`, `ws.agent`, `owner/ws.agent`, the forms with `--` that host names use (`owner--ws`,
 * `owner--ws.agent`, `owner--ws--agent`), and `agent.ws.owner`. The owner is `me` unless named.
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

/** The workspace's name in a host name of config-ssh: what is left without its prefix or its suffix. */
export function nameOfHost(host: string, prefix: string | undefined, suffix: string | undefined): string {
  if (prefix && host.startsWith(prefix)) return host.slice(prefix.length);
  if (suffix && host.endsWith(`.${suffix}`)) return host.slice(0, -suffix.length - 1);
  return host;
}
