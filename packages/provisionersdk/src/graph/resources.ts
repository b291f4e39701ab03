import { FleetError } from "@fleet/base";
import type { ResourceInit } from "../provisioner.js";
import { type AgentInit, agentOf, appOf, envOf, scriptOf } from "./agent.js";
import { type DependencyGraph, nearest } from "./dot.js";
import type { Instance } from "./instances.js";
import { blocks, flag, number, text } from "./values.js";

const AGENT_NAME = /^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$/;
const APP_SLUG = /^[a-z0-9](-?[a-z0-9])*$/;

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

/**
 * The resources that a user sees, with their agents and everything attached to those.
 *
 * An agent belongs to the nearest resource that depends on it, which is the machine that runs it. Apps, scripts and
 * variables belong to the agent whose id they name or, while it is unknown, on which they depend. An agent that no
 * resource uses is left out. Throws `invalid_argument` for names that cannot be part of an address.
 */
export function resourcesOf(instances: readonly Instance[], graph: DependencyGraph): ResourceInit[] {
  const managed = instances.filter((instance) => instance.mode === "managed");
  const machines = managed.filter((instance) => !instance.type.startsWith("coder_"));
  const ofType = (type: string) => managed.filter((instance) => instance.type === type);

  const resources = new Map(machines.map((machine) => [machine, resourceOf(machine)]));
  const agents = new Map(ofType("coder_agent").map((agent) => [agent, agentOf(agent)]));
  refuseBadNames([...agents.keys()]);

  const agentFor = (part: Instance) => {
    const owner =
      [...agents.keys()].find(
        (agent) =>
          text(agent.values, "id") !== "" && text(agent.values, "id") === text(part.values, "agent_id"),
      ) ?? partner(part, nearestOf(part, [...agents.keys()], graph.dependencies));
    return owner && agents.get(owner);
  };

  const slugs = new Set<string>();
  for (const part of ofType("coder_app")) {
    const app = appOf(part);
    refuseBadSlug(app.slug!, slugs);
    agentFor(part)?.apps.push(app);
  }
  for (const part of ofType("coder_script")) agentFor(part)?.scripts.push(scriptOf(part));
  for (const part of ofType("coder_env").sort(byAddress)) {
    const agent = agentFor(part);
    if (!agent) continue;
    const env = envOf(part);
    refuseTakenName(env, agent);
    agent.extraEnvs.push(env);
  }
  for (const part of ofType("coder_agent_instance")) {
    const agent = agentFor(part);
    const instanceId = text(part.values, "instance_id");
    if (agent && agent.auth?.case !== "token") agent.auth = { case: "instanceId", value: instanceId };
  }

  for (const [instance, agent] of agents) {
    const machine = partner(instance, nearestOf(instance, machines, graph.dependents));
    if (!machine) continue;
    const identity = text(machine.values, IDENTITY_ATTRIBUTES[machine.type] ?? "");
    const ownsToken = ["", "token"].includes(text(instance.values, "auth"));
    if (!ownsToken && agent.auth?.case === undefined && identity !== "") {
      agent.auth = { case: "instanceId", value: identity };
    }
    resources.get(machine)!.agents.push(agent);
  }

  const described = new Set<Instance>();
  for (const part of ofType("coder_metadata")) {
    const target = describedBy(part, machines, graph);
    if (!target) continue;
    if (described.has(target)) {
      throw invalid(`"${target.address}" has more than one coder_metadata. Keep only one.`);
    }
    described.add(target);
    Object.assign(resources.get(target)!, metadataOf(part));
  }
  return [...resources.values()].sort((a, b) => (a.address! < b.address! ? -1 : 1));
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

/** The instances of the nearest resource among the candidates, in one direction of the graph. */
function nearestOf(
  from: Instance,
  candidates: readonly Instance[],
  direction: (label: string) => Iterable<string>,
): Instance[] {
  const labels = new Set(candidates.map((candidate) => candidate.label));
  const label = nearest(from.label, direction, (found) => labels.has(found));
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

/** The resource a coder_metadata describes: of its dependencies, the one whose id it names, or the nearest. */
function describedBy(
  part: Instance,
  machines: readonly Instance[],
  graph: DependencyGraph,
): Instance | undefined {
  const id = text(part.values, "resource_id");
  const near = nearestOf(part, machines, graph.dependencies);
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

/** `merge_strategy = "error"`: the variable must have a single value. */
function refuseTakenName({ name, mergeStrategy }: AgentInit["extraEnvs"][number], agent: AgentInit): void {
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
