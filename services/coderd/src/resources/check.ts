import { FleetError } from "@fleet/base";
import type { NewResource } from "./types.js";

const AGENT_NAME = /^[a-z0-9](?:-?[a-z0-9])*$/i;
const AGENT_NAME_LIMIT = 64;
const APP_SLUG = /^[a-z0-9](?:-?[a-z0-9])*$/;

/**
 * The rules that span a template: names of agents become host names, slugs of apps too. Throws `invalid_argument` with
 * a sentence for the template's author.
 */
export function checkResources(resources: readonly NewResource[]): void {
  const agents = new Set<string>();
  const slugs = new Set<string>();
  for (const agent of resources.flatMap((resource) => resource.agents)) {
    const name = agent.name.toLowerCase();
    if (!AGENT_NAME.test(name) || name.length > AGENT_NAME_LIMIT) {
      throw invalid(
        `The agent "${agent.name}" has a name that no host can have. Use letters, digits and single hyphens.`,
      );
    }
    if (agents.has(name)) throw invalid(`Two agents are named "${agent.name}". Give each its own name.`);
    agents.add(name);
    for (const { slug } of agent.apps) {
      if (!APP_SLUG.test(slug)) {
        throw invalid(
          `The app "${slug}" has a slug that no host can have. Use lower-case letters, digits and hyphens.`,
        );
      }
      if (slugs.has(slug)) throw invalid(`Two apps have the slug "${slug}". Give each its own slug.`);
      slugs.add(slug);
    }
    const keys = new Set(agent.metadata.map(({ key }) => key));
    if (keys.size < agent.metadata.length)
      throw invalid(`The agent "${agent.name}" has two metadata items of one key.`);
  }
}

function invalid(message: string): FleetError {
  return new FleetError("invalid_argument", message);
}
