import { AGENT_NAME, APP_SLUG, FleetError } from "@fleet/base";
import type { NewAgent, NewResource } from "./types.js";

const AGENT_NAME_LIMIT = 64;
/** Paths are a part of a key. */
const VOLUME_PATH_LIMIT = 1024;

/**
 * Validation across a whole template: agent names become host names, and so do app slugs. Throws `invalid_argument`
 * with a message for the template's author.
 */
export function checkResources(resources: readonly NewResource[]): void {
  const agents = new Set<string>();
  const slugs = new Set<string>();
  for (const agent of agentsIn(resources)) {
    const name = agent.name.toLowerCase();
    if (!AGENT_NAME.test(name) || name.length > AGENT_NAME_LIMIT) {
      throw invalid(
        `The agent name "${agent.name}" is invalid. Use letters, digits and single hyphens, because it becomes part of a hostname.`,
      );
    }
    if (agents.has(name))
      throw invalid(`Agent name "${agent.name}" is used more than once. Agent names must be unique.`);
    agents.add(name);
    for (const { slug } of agent.apps) {
      if (!APP_SLUG.test(slug)) {
        throw invalid(
          `The app slug "${slug}" is invalid. Use lowercase letters, digits and hyphens, because it becomes part of a hostname.`,
        );
      }
      if (slugs.has(slug))
        throw invalid(`App slug "${slug}" is used more than once. App slugs must be unique.`);
      slugs.add(slug);
    }
    const long = agent.monitors.find(({ path }) => path.length > VOLUME_PATH_LIMIT);
    if (long) {
      throw invalid(
        `The agent "${agent.name}" monitors a volume whose path is longer than ${VOLUME_PATH_LIMIT} characters.`,
      );
    }
    const keys = new Set(agent.metadata.map(({ key }) => key));
    if (keys.size < agent.metadata.length)
      throw invalid(`The agent "${agent.name}" has duplicate metadata keys.`);
  }
}

/** All agents, those inside dev containers included. */
function agentsIn(resources: readonly NewResource[]): NewAgent[] {
  const outer = resources.flatMap((resource) => resource.agents);
  return outer.flatMap((agent) => [agent, ...agent.devcontainers.map((devcontainer) => devcontainer.agent)]);
}

function invalid(message: string): FleetError {
  return new FleetError("invalid_argument", message);
}
