import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { WorkspaceAgent, WorkspaceResource } from "@fleet/sdk";

/** Where a template's goldens lie, below its directory. Terraform reads nothing there but `.tftest.hcl` files. */
export const GOLDEN_FOLDER = "tests/goldens";

/**
 * What a plan leads to, as text to compare: resources, agents, apps and scripts by name. Values that mocked providers
 * make up, such as IDs and addresses, are left out.
 */
export function goldenOf(resources: readonly WorkspaceResource[]): string {
  const shown = resources.map((resource) => ({
    resource: `${resource.type}.${resource.name}`,
    ...(resource.hide && { hide: true }),
    ...(resource.daily_cost > 0 && { daily_cost: resource.daily_cost }),
    ...listed("metadata", resource.metadata?.map(({ key }) => key) ?? []),
    ...listed("agents", (resource.agents ?? []).map(agentOf).sort(byName)),
  }));
  return `${JSON.stringify(shown.sort(byResource), null, 2)}\n`;
}

function agentOf(agent: WorkspaceAgent) {
  return {
    name: agent.name,
    os: agent.operating_system,
    arch: agent.architecture,
    ...(agent.directory ? { directory: agent.directory } : {}),
    ...listed("env", Object.keys(agent.environment_variables).sort()),
    ...listed(
      "apps",
      agent.apps
        .map(({ slug, display_name, sharing_level, subdomain, external, hidden }) => ({
          name: slug,
          display_name,
          sharing_level,
          ...(subdomain && { subdomain }),
          ...(external && { external }),
          ...(hidden && { hidden }),
        }))
        .sort(byName),
    ),
    ...listed("scripts", agent.scripts.map(({ display_name }) => display_name).sort()),
  };
}

function listed<Item>(key: string, items: readonly Item[]): Record<string, readonly Item[]> {
  return items.length > 0 ? { [key]: items } : {};
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function byResource(a: { resource: string }, b: { resource: string }): number {
  return a.resource < b.resource ? -1 : a.resource > b.resource ? 1 : 0;
}

/** The golden's text; undefined if there is none yet. */
export async function readGolden(directory: string, caseName: string): Promise<string | undefined> {
  return readFile(goldenPath(directory, caseName), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}

export async function writeGolden(directory: string, caseName: string, text: string): Promise<void> {
  await mkdir(join(directory, GOLDEN_FOLDER), { recursive: true });
  await writeFile(goldenPath(directory, caseName), text);
}

/** Bytes of a file name before its suffix; most file systems allow 255 in all. */
const NAME_LIMIT = 200;

/** `zone=eu/west` is kept in `zone=eu%2Fwest.json`. */
function goldenPath(directory: string, caseName: string): string {
  const whole = encodeURIComponent(caseName).replaceAll("%3D", "=").replaceAll("%20", "-");
  const hash = createHash("sha256").update(caseName).digest("hex").slice(0, 16);
  const name = whole.length > NAME_LIMIT ? `${whole.slice(0, NAME_LIMIT - hash.length - 1)}-${hash}` : whole;
  return join(directory, GOLDEN_FOLDER, `${name}.json`);
}

/** The lines that differ, with their surroundings, as in a unified diff; none if the texts are equal. */
export async function differences(expected: string, actual: string): Promise<string[]> {
  const { structuredPatch } = await import("diff");
  const { hunks } = structuredPatch("", "", expected, actual, undefined, undefined, { context: 2 });
  return hunks.flatMap(({ lines }) => lines);
}
