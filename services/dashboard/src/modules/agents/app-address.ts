import type { WorkspaceAgent, WorkspaceApp } from "@fleet/sdk";
import { terminalPath, workspacePath } from "../../paths.js";

/** Templates may put this into the address of an app that is a program on the user's machine. */
const TOKEN_PLACEHOLDER = "$SESSION_TOKEN";
/** Schemes by which an address could run as a script of this page or read files. */
const REFUSED_SCHEMES = new Set(["javascript:", "data:", "vbscript:", "blob:", "file:", "about:"]);

export type AppAddress =
  | { kind: "link"; href: string; here: boolean }
  /** Needs a session token in its address: made when the button is pressed. */
  | { kind: "needs-token"; href(token: string): string }
  | { kind: "none"; reason: string };

export type AppAddressOptions = {
  app: WorkspaceApp;
  agent: WorkspaceAgent;
  workspace: { owner_name: string; name: string };
  /** `*.apps.example.com`, or "" where the deployment has none. */
  wildcardHost: string;
  /** `https:` */
  protocol: string;
};

/** Where an app's button leads. */
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
    // A web site must never be handed a session token.
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

/** The host of a port, `https://8080--main--ws--ana.apps.example.com/`; undefined without a wildcard host. */
export function portAddress(
  options: Pick<AppAddressOptions, "agent" | "workspace" | "wildcardHost" | "protocol"> & { port: number },
): string | undefined {
  const { agent, workspace, wildcardHost, protocol, port } = options;
  if (!wildcardHost) return undefined;
  const label = `${port}--${agent.name}--${workspace.name}--${workspace.owner_name}`;
  return `${protocol}//${wildcardHost.replace("*", label)}/`;
}

/** The address by which VS Code, or one of its kin, opens the workspace. */
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
