import { AGENT_NAME, APP_SLUG, FleetError } from "@fleet/base";
import type { ResourceInit } from "../provisioner.js";
import { type AgentInit, agentOf, appOf, devcontainerOf, envOf, type OwnerInit, scriptOf } from "./agent.js";
import type { Declared } from "./declared.js";
import { type DependencyGraph, nearest } from "./dot.js";
import type { Instance } from "./instances.js";
import { scriptOrderOf } from "./script-order.js";
import { blocks, flag, number, text } from "./values.js";

/** The attribute with the machine size, per cloud. */
const SIZE_ATTRIBUTES: Record<string, string> = {
  aws_instance: "instance_type",
  aws_spot_instance_request: "instance_type",
  azurerm_linux_virtual_machine: "size",
  azurerm_windows_virtual_machine: "size",
  google_compute_instance: "machine_type",
};

/** The attribute with the machine's identity, per cloud: an agent without a token authenticates with it. */
const IDENTITY_ATTRIBUTES: Record<string, string> = {
  aws_instance: "id",
  aws_spot_instance_request: "spot_instance_id",
  azurerm_linux_virtual_machine: "virtual_machine_id",
  azurerm_windows_virtual_machine: "virtual_machine_id",
  google_compute_instance: "instance_id",
};

/** Its agent is started by hand, on a machine that terraform knows nothing of. */
export const EXTERNAL_AGENT = "coder_external_agent";

export type ConversionOptions = {
  /** For a plan, in which ids are unknown. */
  declared?: Declared;
  /** Called for each part that belongs to nothing and so has no effect, with what it lacks. */
  onLost?(part: Instance, lacks: string): void;
};

/**
 * The resources that a user sees, with their agents and everything attached to those.
 *
 * An agent belongs to the nearest resource that depends on it, which is the machine that runs it; a coder_external_agent
 * counts as one. Apps, scripts and variables belong to the agent, or to the agent inside the dev container, whose id
 * they name. While ids are unknown (in a plan) that is what `declared` says of their `agent_id`, else the nearest on
 * which they depend. An agent that no resource uses is left out. Throws `invalid_argument` for names that cannot be part
 * of an address, and for an order of scripts that cannot be kept.
 */
export function resourcesOf(
  instances: readonly Instance[],
  graph: DependencyGraph,
  { declared, onLost = () => {} }: ConversionOptions = {},
): ResourceInit[] {
  const managed = instances.filter((instance) => instance.mode === "managed");
  const machines = managed.filter(({ type }) => !type.startsWith("coder_") || type === EXTERNAL_AGENT);
  const ofType = (type: string) => managed.filter((instance) => instance.type === type);

  const resources = new Map(machines.map((machine) => [machine, resourceOf(machine)]));
  const agents = new Map(ofType("coder_agent").map((agent) => [agent, agentOf(agent)]));
  const devcontainers = new Map(ofType("coder_devcontainer").map((part) => [part, devcontainerOf(part)]));
  refuseBadNames([...agents.keys()]);

  const ownerAmong = <T extends OwnerInit>(
    part: Instance,
    owners: ReadonlyMap<Instance, T>,
  ): T | undefined => {
    const candidates = [...owners.keys()];
    const owner =
      candidates.find((candidate) => isNamed(candidate, part)) ??
      partner(part, referredBy(part, "agent_id", candidates, declared)) ??
      partner(part, nearestOf(part, candidates, graph.dependencies));
    if (!owner) onLost(part, "agent_id names no coder_agent");
    return owner && owners.get(owner);
  };
  const ownerOf = (part: Instance) =>
    ownerAmong<OwnerInit>(part, new Map<Instance, OwnerInit>([...agents, ...devcontainers]));

  attachParts(ofType, ownerOf);
  attachScripts(instances, ofType("coder_script"), ownerOf, declared);
  const names = new Set([...agents.values()].map(({ name }) => name.toLowerCase()));
  for (const [instance, devcontainer] of devcontainers) {
    devcontainer.agentName = freeName(devcontainer.name, names);
    ownerAmong(instance, agents)?.devcontainers.push(devcontainer);
  }
  const tokenAgents = new Set(
    [...agents].flatMap(([instance, agent]) => (ownsToken(instance) ? [agent] : [])),
  );
  for (const part of ofType("coder_agent_instance")) {
    const agent = ownerAmong(part, agents);
    if (!agent) continue;
    const instanceId = text(part.values, "instance_id");
    if (tokenAgents.has(agent)) onLost(part, 'its agent has auth = "token"');
    else if (instanceId !== "") agent.auth = { case: "instanceId", value: instanceId };
  }

  for (const [instance, agent] of agents) {
    const machine = machineOf(instance, machines, graph);
    if (!machine) continue;
    const identity = text(machine.values, IDENTITY_ATTRIBUTES[machine.type] ?? "");
    if (!tokenAgents.has(agent) && agent.auth?.case === undefined && identity !== "") {
      agent.auth = { case: "instanceId", value: identity };
    }
    resources.get(machine)!.agents.push(agent);
  }

  const described = new Set<Instance>();
  for (const part of ofType("coder_metadata")) {
    const target = describedBy(part, machines, graph, declared);
    if (!target) {
      onLost(part, "resource_id names no resource");
      continue;
    }
    if (described.has(target)) {
      throw invalid(`"${target.address}" has more than one coder_metadata. Keep only one.`);
    }
    described.add(target);
    Object.assign(resources.get(target)!, metadataOf(part));
  }
  return [...resources.values()].sort((a, b) => (a.address! < b.address! ? -1 : 1));
}

/** Whether the agent authenticates by its token, and not by its machine's identity. */
function ownsToken({ values }: Instance): boolean {
  return ["", "token"].includes(text(values, "auth"));
}

/** Whether the part's `agent_id` is the id of this agent, or of the agent inside this dev container. */
function isNamed({ type, values }: Instance, part: Instance): boolean {
  const id = text(values, type === "coder_devcontainer" ? "subagent_id" : "id");
  return id !== "" && id === text(part.values, "agent_id");
}

/** The nearest machine; a coder_external_agent before others that are as near, because it can have no other purpose. */
function machineOf(
  agent: Instance,
  machines: readonly Instance[],
  graph: DependencyGraph,
): Instance | undefined {
  const external = machines.filter(({ type }) => type === EXTERNAL_AGENT);
  const named = external.find((machine) => isNamed(agent, machine));
  return named ?? partner(agent, nearestOf(agent, machines, graph.dependents, external));
}

/** Gives apps and variables to their owners. */
function attachParts(
  ofType: (type: string) => Instance[],
  ownerOf: (part: Instance) => OwnerInit | undefined,
): void {
  const slugs = new Set<string>();
  for (const part of ofType("coder_app")) {
    const app = appOf(part);
    refuseBadSlug(app.slug!, slugs);
    ownerOf(part)?.apps.push(app);
  }
  for (const part of ofType("coder_env").sort(byAddress)) {
    const owner = ownerOf(part);
    if (!owner) continue;
    const env = envOf(part);
    refuseTakenName(env, owner);
    owner.extraEnvs.push(env);
  }
}

/** Gives scripts to their owners, with what each waits for. */
function attachScripts(
  instances: readonly Instance[],
  parts: readonly Instance[],
  ownerOf: (part: Instance) => OwnerInit | undefined,
  declared: Declared | undefined,
): void {
  const placed = new Map(parts.map((part) => [part, { script: scriptOf(part), owner: ownerOf(part) }]));
  for (const { run, after, anyOutcome } of scriptOrderOf(instances, declared).precedences) {
    const [waiting, first] = [placed.get(run), placed.get(after)];
    if (!waiting?.owner || !first?.owner) continue;
    if (waiting.owner !== first.owner) {
      throw invalid(
        `coder_script_order: ${run.address} cannot wait for ${after.address}, because they belong to different agents.`,
      );
    }
    waiting.script.after.push({ address: after.address, anyOutcome });
  }
  for (const { script, owner } of placed.values()) owner?.scripts.push(script);
}

type OpenResource = ResourceInit & { agents: AgentInit[] };

function resourceOf({ name, type, address, modulePath, values }: Instance): OpenResource {
  return {
    name,
    type,
    address,
    modulePath,
    instanceType: text(values, SIZE_ATTRIBUTES[type] ?? ""),
    agents: [],
  };
}

function metadataOf({ values }: Instance): ResourceInit {
  return {
    hide: flag(values, "hide"),
    icon: text(values, "icon"),
    dailyCost: number(values, "daily_cost"),
    metadata: blocks(values, "item").map((item) => ({
      key: text(item, "key"),
      value: text(item, "value"),
      sensitive: flag(item, "sensitive"),
      isNull: flag(item, "is_null", item.value === null),
    })),
  };
}

/**
 * The instances of the nearest resource among the candidates, in one direction of the graph. Of several that are as
 * near, a preferred one, else the first by name.
 */
function nearestOf(
  from: Instance,
  candidates: readonly Instance[],
  direction: (label: string) => Iterable<string>,
  preferred: readonly Instance[] = [],
): Instance[] {
  const labels = new Set(candidates.map(({ label }) => label));
  const first = new Set(preferred.map(({ label }) => label));
  const found = nearest(from.label, direction, (label) => labels.has(label));
  const label = found.find((one) => first.has(one)) ?? found[0];
  return candidates.filter((candidate) => candidate.label === label);
}

/** Of several instances, the one with the same key; else the first. */
function partner(of: Instance, candidates: readonly Instance[]): Instance | undefined {
  return (
    candidates.find((candidate) => candidate.index === of.index && candidate.modulePath === of.modulePath) ??
    candidates.find((candidate) => candidate.index === of.index) ??
    candidates[0]
  );
}

/** The candidates that the part's attribute refers to, according to its configuration. */
function referredBy(
  part: Instance,
  attribute: string,
  candidates: readonly Instance[],
  declared: Declared | undefined,
): Instance[] {
  const reference = declared?.reference(part.label, attribute);
  if (!reference) return [];
  const { label, key = "" } = reference;
  return candidates.filter((candidate) => candidate.label === label && candidate.address.endsWith(key));
}

/** The resource a coder_metadata describes: of its dependencies, the one whose id it names, or the nearest. */
function describedBy(
  part: Instance,
  machines: readonly Instance[],
  graph: DependencyGraph,
  declared: Declared | undefined,
): Instance | undefined {
  const id = text(part.values, "resource_id");
  const referred = referredBy(part, "resource_id", machines, declared);
  const near = referred.length > 0 ? referred : nearestOf(part, machines, graph.dependencies);
  if (id === "") return partner(part, near);
  return (
    near.find((machine) => machine.values.id === id) ??
    machines.find((machine) => machine.values.id === id) ??
    partner(part, near)
  );
}

function byAddress(a: Instance, b: Instance): number {
  return a.address < b.address ? -1 : 1;
}

function refuseBadNames(agents: readonly Instance[]): void {
  const labels = new Map<string, string>();
  for (const { name, label } of agents) {
    if (!AGENT_NAME.test(name)) {
      throw invalid(
        `The agent name "${name}" is invalid. Use letters, digits and single hyphens, because it becomes part of a hostname.`,
      );
    }
    const other = labels.get(name.toLowerCase());
    if (other !== undefined && other !== label) {
      throw invalid(
        `Agent name "${name}" is used more than once (${other} and ${label}). Agent names are case-insensitive and must be unique.`,
      );
    }
    labels.set(name.toLowerCase(), label);
  }
}

/** A name for the agent in a dev container: terraform's, as far as it can be part of a hostname. Adds it to the set. */
function freeName(name: string, taken: Set<string>): string {
  const base = name.replace(/[^a-zA-Z0-9]+/g, "-").replace(/^-|-$/g, "") || "devcontainer";
  let free = base;
  for (let number = 2; taken.has(free.toLowerCase()); number++) free = `${base}-${number}`;
  taken.add(free.toLowerCase());
  return free;
}

/** `merge_strategy = "error"`: the variable must have a single value. */
function refuseTakenName({ name, mergeStrategy }: OwnerInit["extraEnvs"][number], agent: OwnerInit): void {
  const isSet =
    Object.hasOwn(agent.environment ?? {}, name) || agent.extraEnvs.some((env) => env.name === name);
  if (mergeStrategy !== "error" || !isSet) return;
  throw invalid(
    `The environment variable "${name}" of the agent "${agent.name}" is set twice, and one coder_env has merge_strategy = "error". Remove one, or choose another strategy.`,
  );
}

function refuseBadSlug(slug: string, slugs: Set<string>): void {
  if (!APP_SLUG.test(slug)) {
    throw invalid(`The app slug "${slug}" is invalid. Use lowercase letters, digits and single hyphens.`);
  }
  if (slugs.has(slug)) throw invalid(`App slug "${slug}" is used more than once. App slugs must be unique.`);
  slugs.add(slug);
}

function invalid(message: string): FleetError {
  return new FleetError("invalid_argument", message);
}
