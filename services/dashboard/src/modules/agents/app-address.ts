import type { WorkspaceAgent, WorkspaceApp } from "@fleet/sdk";
import { terminalPath, workspacePath } from "../../paths.js";

/** Placeholder for a session token in the URL of an external app on the user's machine. */
const TOKEN_PLACEHOLDER = "$SESSION_TOKEN";
/** Schemes that could run a script on this page or read files. */
const REFUSED_SCHEMES = new Set(["javascript:", "data:", "vbscript:", "blob:", "file:", "about:"]);

export type AppAddress =
  | { kind: "link"; href: string; here: boolean }
  /** The URL needs a session token, created on click. */
  | { kind: "needs-token"; href(token: string): string }
  | { kind: "none"; reason: string };

export type AppAddressOptions = {
  app: WorkspaceApp;
  agent: WorkspaceAgent;
  workspace: { owner_name: string; name: string };
  /** `*.apps.example.com`, or "" if the deployment has none. */
  wildcardHost: string;
  /** `https:` */
  protocol: string;
};

/** The link of an app's button. */
export function appAddress({ app, agent, workspace, wildcardHost, protocol }: AppAddressOptions): AppAddress {
  if (app.external) return externalAddress(app.url ?? "");
  if (app.command) return { kind: "link", href: terminalPath(workspace, agent.name, app.slug), here: true };
  if (app.subdomain) {
    if (!wildcardHost || !app.subdomain_name) {
      return {
        kind: "none",
        reason:
          "This app requires a wildcard access URL, which this deployment does not have. Contact your administrator.",
      };
    }
    return {
      kind: "link",
      href: `${protocol}//${wildcardHost.replace("*", app.subdomain_name)}/`,
      here: false,
    };
  }
  return {
    kind: "link",
    href: `${workspacePath(workspace)}.${agent.name}/apps/${encodeURIComponent(app.slug)}/`,
    here: false,
  };
}

function externalAddress(url: string): AppAddress {
  try {
    const { protocol } = new URL(url);
    if (REFUSED_SCHEMES.has(protocol))
      return { kind: "none", reason: "This app has an unsafe URL and cannot be opened." };
    // Websites must never get a session token.
    if (protocol !== "http:" && protocol !== "https:" && url.includes(TOKEN_PLACEHOLDER)) {
      return {
        kind: "needs-token",
        href: (token) => url.replaceAll(TOKEN_PLACEHOLDER, encodeURIComponent(token)),
      };
    }
    return { kind: "link", href: url, here: false };
  } catch {
    return { kind: "none", reason: "The template does not set a valid URL for this app." };
  }
}

/** URL of a port, `https://8080--main--ws--ana.apps.example.com/`; undefined without a wildcard host. */
export function portAddress(
  options: Pick<AppAddressOptions, "agent" | "workspace" | "wildcardHost" | "protocol"> & { port: number },
): string | undefined {
  const { agent, workspace, wildcardHost, protocol, port } = options;
  if (!wildcardHost) return undefined;
  const label = `${port}--${agent.name}--${workspace.name}--${workspace.owner_name}`;
  return `${protocol}//${wildcardHost.replace("*", label)}/`;
}

/** URL that opens the workspace in VS Code or a compatible editor. */
export function editorAddress(
  scheme: "vscode" | "vscode-insiders",
  options: Pick<AppAddressOptions, "agent" | "workspace"> & { origin: string; token: string },
): string {
  const { agent, workspace, origin, token } = options;
  const query = new URLSearchParams({
    owner: workspace.owner_name,
    workspace: workspace.name,
    agent: agent.name,
    url: origin,
    token,
    openRecent: "true",
  });
  const folder = agent.expanded_directory;
  if (folder) query.set("folder", folder);
  return `${scheme}://coder.coder-remote/open?${query}`;
}
