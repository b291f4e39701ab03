import { FleetError, isFleetError } from "@fleet/base";
import type { Workspace, WorkspaceAgent, WorkspaceApp } from "@fleet/sdk";
import { Command, Option } from "commander";
import type { Context, Session } from "../../context.js";
import { openInBrowser } from "../../ui/browser.js";
import { reachAgent } from "../../workspace/agent.js";

/** Placeholder for a session token in the URL of an external app on the user's machine. */
const TOKEN_PLACEHOLDER = "$SESSION_TOKEN";
/** Schemes that could run a script or read files. */
const UNSAFE_SCHEMES = new Set(["javascript:", "data:", "vbscript:", "blob:", "file:", "about:"]);

export function openCommand(context: Context): Command {
  return new Command("open")
    .description("Open a workspace in an editor or browser")
    .addCommand(vscodeCommand(context))
    .addCommand(appCommand(context));
}

function vscodeCommand(context: Context): Command {
  return new Command("vscode")
    .description("Open a workspace in VS Code (requires the Coder extension)")
    .argument("<workspace>", "[owner/]workspace[.agent]")
    .argument("[folder]", "Directory to open (default: the directory of the agent)")
    .option("--generate-token", "Include a session token in the link, for a VS Code that is not signed in")
    .action(async (name: string, folder: string | undefined, options: { generateToken?: boolean }) => {
      const session = await context.session();
      const { workspace, agent } = await reachAgent(context, name, {
        autostart: true,
        reason: "vscode_connection",
        wait: "no",
      });
      const url = vscodeUrl(session, workspace, agent, folder ?? agent.expanded_directory ?? agent.directory);
      if (options.generateToken) {
        const { key } = await session.client.keyCreate({ params: { user: "me" } });
        url.searchParams.set("token", key);
      }
      await launch(context, url.href);
    });
}

function vscodeUrl(
  session: Session,
  workspace: Workspace,
  agent: WorkspaceAgent,
  folder: string | undefined,
): URL {
  const url = new URL("vscode://coder.coder-remote/open");
  url.searchParams.set("url", session.url);
  url.searchParams.set("owner", workspace.owner_name);
  url.searchParams.set("workspace", workspace.name);
  url.searchParams.set("agent", agent.name);
  if (folder) url.searchParams.set("folder", folder);
  return url;
}

function appCommand(context: Context): Command {
  return new Command("app")
    .description("Open a workspace application")
    .argument("<workspace>", "[owner/]workspace[.agent]")
    .argument("<slug>", "Slug of the app")
    .addOption(
      new Option("--region <name>", "Region of the proxy to open the app through")
        .env("CODER_OPEN_APP_REGION")
        .default("primary"),
    )
    .action(async (name: string, slug: string, options: { region: string }) => {
      const session = await context.session();
      const { workspace, agent } = await reachAgent(context, name, { autostart: false, wait: "no" });
      const app = agent.apps.find((each) => each.slug === slug);
      if (!app) {
        const known = agent.apps.map((each) => each.slug).join(", ") || "none";
        throw new FleetError(
          "not_found",
          `Agent ${agent.name} has no app "${slug}". Valid values: ${known}.`,
        );
      }
      await launch(
        context,
        await appUrl(await regionOf(session, options.region), session, workspace, agent, app),
      );
    });
}

/** Where a region serves apps: the URL of its proxy, and its wildcard host, empty if it has none. */
type AppRegion = { url: string; wildcardHost: string };

async function regionOf(session: Session, name: string): Promise<AppRegion> {
  if (name === "primary") return { url: session.url, wildcardHost: await wildcardHost(session) };
  const { regions } = await session.client.regions();
  const region = regions.find((each) => each.name === name);
  if (!region) {
    const known = regions.map((each) => each.name).join(", ");
    throw new FleetError("not_found", `There is no region "${name}". Valid values: ${known}.`);
  }
  if (!region.healthy) {
    throw new FleetError(
      "unavailable",
      `The proxy of region "${name}" is not available. Use another region.`,
    );
  }
  return { url: region.path_app_url.replace(/\/+$/, ""), wildcardHost: region.wildcard_hostname };
}

async function appUrl(
  region: AppRegion,
  session: Session,
  workspace: Workspace,
  agent: WorkspaceAgent,
  app: WorkspaceApp,
): Promise<string> {
  if (app.external) return externalUrl(session, app);
  const path = `/@${workspace.owner_name}/${workspace.name}.${agent.name}`;
  if (app.command) return `${session.url}${path}/terminal?app=${encodeURIComponent(app.slug)}`;
  if (app.subdomain && app.subdomain_name) {
    const { protocol } = new URL(region.url);
    if (region.wildcardHost) return `${protocol}//${region.wildcardHost.replace("*", app.subdomain_name)}/`;
  }
  return `${region.url}${path}/apps/${encodeURIComponent(app.slug)}/`;
}

/** Local programs get their own session token in place of the placeholder; websites never do. */
async function externalUrl({ client }: Session, { url = "", slug }: WorkspaceApp): Promise<string> {
  if (!URL.canParse(url)) {
    throw new FleetError(
      "failed_precondition",
      `App "${slug}" has no valid URL: "${url}". Fix its template.`,
    );
  }
  const { protocol } = new URL(url);
  if (UNSAFE_SCHEMES.has(protocol)) {
    throw new FleetError(
      "failed_precondition",
      `App "${slug}" has a ${protocol} URL, which is not safe to open.`,
    );
  }
  if (protocol === "http:" || protocol === "https:" || !url.includes(TOKEN_PLACEHOLDER)) return url;
  const { key } = await client.keyCreate({ params: { user: "me" } });
  return url.replaceAll(TOKEN_PLACEHOLDER, encodeURIComponent(key));
}

async function wildcardHost({ client }: Session): Promise<string> {
  try {
    return (await client.applicationsHost()).host;
  } catch (error) {
    if (isFleetError(error, "not_found")) return "";
    throw error;
  }
}

/**
 * Opens the URL, or prints it if nothing opens it, for example over SSH. A URL may contain a token, so only the caller
 * sees it.
 */
async function launch(context: Context, url: string): Promise<void> {
  if (context.globals.open !== false && (await openInBrowser(url))) context.note("Opened.");
  else context.print(url);
}
