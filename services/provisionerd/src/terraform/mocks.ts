import { join } from "node:path";
import { FleetError } from "@fleet/base";
import {
  type Configuration,
  instancesOfChanges,
  type PlanRequest,
  type PlanResult,
  parseGraph,
  resourcesOf,
  summaryOfChanges,
} from "@fleet/provisionersdk";
import {
  attributeOf,
  DYNAMIC,
  type HclBlock,
  literalOf,
  parseHcl,
  requiredProviders,
} from "@fleet/provisionersdk/hcl";
import { LOCK_FILE } from "./installations.js";
import type { TerraformJob } from "./job.js";
import { costOfInstances } from "./plan.js";
import { readIfThere, writeInJob } from "./read.js";
import { runUi, withProvider } from "./run.js";

/** Names of ours in the template's folder. Terraform merges files that end with _override into the others. */
const TEST_FILE = "fleet-mocks.tftest.hcl";
const OVERRIDE_FILE = "fleet_mocks_override.tf";
/** The one provider that is not mocked. */
const CODER = /\/coder\/coder$/;

/**
 * Plans with `terraform test`, which replaces every provider but coder's by a mock: nothing but the template is needed,
 * and nothing outside it is called. Data and computed values of mocked providers are made up, so that only the resources
 * of the result mean anything.
 * https://developer.hashicorp.com/terraform/language/tests/mocking
 */
export async function planWithMocks(
  job: TerraformJob,
  configuration: Configuration,
  request: PlanRequest,
  graph: () => Promise<string>,
): Promise<PlanResult> {
  const shape = parseGraph(await graph());
  const { mocks, requirements } = mocksFor(await lockedProviders(job), configuration);
  await writeInJob(
    join(job.folder, TEST_FILE),
    [...mocks.map(mockBlock), 'run "plan" {\n  command = plan\n}'].join("\n"),
  );
  if (requirements.length > 0) await writeInJob(join(job.folder, OVERRIDE_FILE), requiredBlock(requirements));

  await job.boundary.handOver(job.folder);

  let changes: Record<string, unknown> | undefined;
  const take = (line: string) => {
    if (!line.includes('"type":"test_')) return false;
    if (line.includes('"type":"test_plan"'))
      changes = (JSON.parse(line) as { test_plan: Record<string, unknown> }).test_plan;
    return true;
  };
  const args = ["test", "-json", "-verbose", "-no-color", `-filter=${TEST_FILE}`];
  await withProvider(job, request, (env) => runUi(job, { stage: "plan", args, env, take }));
  if (changes === undefined) {
    throw new FleetError(
      "failed_precondition",
      "terraform test: no plan was printed. Use terraform 1.11 or later.",
    );
  }
  const instances = instancesOfChanges(changes);
  return {
    resources: resourcesOf(instances, shape),
    parameters: [],
    presets: [],
    externalAuthProviders: [],
    workspaceTags: {},
    ...(request.withChanges && {
      preview: { summary: summaryOfChanges(changes), dailyCost: costOfInstances(instances) },
    }),
  };
}

/** A provider under its local name in the root module. */
type Local = { name: string; source: string };

/** Which providers to mock, aliases included, and those that the root module has to be told of first. */
export function mocksFor(
  locked: readonly string[],
  { blocks }: Pick<Configuration, "blocks">,
): { mocks: { name: string; alias?: string }[]; requirements: Local[] } {
  const root = blocks.map(({ block }) => block);
  const declared = declaredProviders(root);
  const taken = new Set(declared.map(({ name }) => name));
  const requirements: Local[] = [];
  const locals = locked.map((source) => {
    const known = declared.find((each) => sameSource(each.source, source));
    if (known) return known;
    const type = source.split("/").at(-1)!;
    // Terraform takes an undeclared name for one of its own namespace.
    const local = { name: taken.has(type) ? `fleet-${type}` : type, source };
    taken.add(local.name);
    if (!/\/hashicorp\//.test(source) || local.name !== type) requirements.push(local);
    return local;
  });
  const aliases = root.flatMap((block) => {
    const alias = block.type === "provider" && attributeOf(block.body, "alias");
    const value = alias && literalOf(alias.tokens);
    return typeof value === "string" ? [{ name: block.labels[0]!, alias: value }] : [];
  });
  const names = new Set(locals.map(({ name }) => name));
  return {
    mocks: [...locals.map(({ name }) => ({ name })), ...aliases.filter(({ name }) => names.has(name))],
    requirements,
  };
}

function declaredProviders(root: readonly HclBlock[]): Local[] {
  return root.flatMap(requiredProviders).flatMap(({ name, tokens }) => {
    const value = literalOf(tokens);
    if (value === DYNAMIC || value === null || typeof value !== "object") return [];
    const { source = `hashicorp/${name}` } = value as { source?: string };
    return [{ name, source: String(source) }];
  });
}

/** `kreuzwerker/docker` is the same provider as `registry.terraform.io/kreuzwerker/docker`. */
function sameSource(declared: string, address: string): boolean {
  const parts = declared.toLowerCase().split("/");
  return address.split("/").slice(-parts.length).join("/") === parts.join("/");
}

/** Addresses of the providers in the lock file that `init` wrote. */
async function lockedProviders(job: TerraformJob): Promise<string[]> {
  const lock = await readIfThere(join(job.folder, LOCK_FILE));
  if (!lock) return [];
  const { blocks } = parseHcl(new TextDecoder().decode(lock), LOCK_FILE);
  return blocks
    .map(({ labels }) => labels[0] ?? "")
    .filter((address) => address !== "" && !CODER.test(address));
}

function mockBlock({ name, alias }: { name: string; alias?: string }): string {
  return `mock_provider "${name}" {${alias === undefined ? "" : `\n  alias = "${alias}"\n`}}`;
}

function requiredBlock(requirements: readonly Local[]): string {
  const lines = requirements.map(({ name, source }) => `    ${name} = { source = "${source}" }`);
  return `terraform {\n  required_providers {\n${lines.join("\n")}\n  }\n}\n`;
}
