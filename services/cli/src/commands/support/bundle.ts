import { writeFile } from "node:fs/promises";
import { arch, platform, release } from "node:os";
import { errorMessage, VERSION } from "@fleet/base";
import type { Client, Workspace } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { logPages } from "../../pages.js";
import { askConsent } from "../../ui/prompt.js";
import { agentsOf, chooseAgent, findWorkspace } from "../../workspace/find.js";
import { afterLine } from "../../workspace/follow.js";

type Options = { outputFile?: string; urlOverride?: string; yes?: boolean };

export function supportCommand(context: Context): Command {
  return new Command("support").description("Troubleshoot a deployment").addCommand(
    new Command("bundle")
      .description("Write a zip file with diagnostics of the deployment and, optionally, a workspace")
      .argument("[workspace]", "[owner/]workspace")
      .argument("[agent]")
      .option("-O, --output-file <file>", "File to write (default: coder-support-<time>.zip)")
      .option("-y, --yes", "Do not ask for confirmation")
      .option("--url-override <url>", "URL to reach the deployment at instead of its usual one")
      .action((name: string | undefined, agent: string | undefined, options: Options) =>
        bundle(context, name, agent, options),
      ),
  );
}

async function bundle(
  context: Context,
  name: string | undefined,
  agent: string | undefined,
  options: Options,
): Promise<void> {
  // The same deployment under another address, for example to bypass a proxy.
  if (options.urlOverride) context.configure({ ...context.globals, url: options.urlOverride });
  const { client, url } = await context.session();
  context.note(
    "The bundle contains logs and settings of the deployment. The server redacts secrets, but review it before you share it.",
  );
  await askConsent(context, "Create the bundle?", options.yes);
  const workspace = name ? await findWorkspace(client, name) : undefined;
  const parts = {
    ...deploymentParts(client, url),
    ...(workspace ? workspaceParts(client, workspace, agent) : {}),
  };
  const files: Record<string, Uint8Array> = {};
  await Promise.all(
    Object.entries(parts).map(async ([path, read]) => {
      files[path] = new TextEncoder().encode(await contentOf(read));
    }),
  );
  const { zipSync } = await import("fflate");
  const stamp = context.clock.now().toISOString().slice(0, 19).replaceAll(":", "-");
  const file = options.outputFile ?? `coder-support-${stamp}.zip`;
  await writeFile(file, zipSync(files), { mode: 0o600 });
  context.note(`Wrote ${file}.`);
}

/** If reading fails, the error becomes the content. */
async function contentOf(read: () => Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify(await read(), null, 2);
  } catch (error) {
    return JSON.stringify({ error: errorMessage(error) }, null, 2);
  }
}

type Parts = Record<string, () => Promise<unknown>>;

function deploymentParts(client: Client, url: string): Parts {
  return {
    "cli.json": async () => ({
      version: VERSION,
      platform: platform(),
      arch: arch(),
      release: release(),
      url,
    }),
    "deployment/buildinfo.json": () => client.buildInfo(),
    "deployment/config.json": () => client.deploymentConfig(),
    "deployment/experiments.json": () => client.experiments(),
    "deployment/health.json": () => client.debugHealth(),
    "network/regions.json": () => client.regions(),
  };
}

async function wholeLog<T extends { id: number }>(read: (after?: number) => Promise<readonly T[]>) {
  const lines: T[] = [];
  for await (const page of logPages(read)) lines.push(...page);
  return lines;
}

function workspaceParts(client: Client, workspace: Workspace, agent: string | undefined): Parts {
  const { latest_build: build } = workspace;
  const parts: Parts = {
    "workspace/workspace.json": async () => workspace,
    "workspace/build_logs.json": () =>
      wholeLog((after) => client.workspaceBuildLogs({ params: { build: build.id }, ...afterLine(after) })),
    "workspace/timings.json": () => client.workspaceTimings({ params: { workspace: workspace.id } }),
    "workspace/template_version.json": () =>
      client.templateVersionGet({ params: { version: build.template_version_id } }),
  };
  const agents = agent ? [chooseAgent(workspace, agent)] : agentsOf(workspace);
  for (const { id, name } of agents) {
    parts[`agents/${name}/logs.json`] = () =>
      wholeLog((after) => client.agentLogs({ params: { agent: id }, ...afterLine(after) }));
    parts[`agents/${name}/listening_ports.json`] = () =>
      client.agentListeningPorts({ params: { agent: id } });
  }
  return parts;
}
