import { AGENT_NAME, APP_SLUG, type Clock, FleetError } from "@fleet/base";
import { atMost, type ShareLevel } from "../auth/share-level.js";
import { hashToken, randomText } from "../auth/tokens.js";
import { workspaceChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { AgentNotFound } from "./errors.js";
import type { AgentIdentity } from "./store.js";
import type { NewSubAgent, ParentAgent, SubAgentApp, SubAgentStore } from "./subagents-store.js";

/** Agents in dev containers, which the agent around them starts. */
export type SubAgents = {
  /**
   * Gives a new token to the agent that the template declares (`id`), or to the one of that name, which is created if
   * there is none. Its earlier token ends.
   * @throws not_found for an agent of somebody else, invalid_argument, resource_exhausted.
   */
  create(parent: AgentIdentity, request: { id: string; directory: string } | NewSubAgent): Promise<SubAgent>;
  /** Ends the agent, and deletes it unless the template declares it. Does nothing if there is none. */
  delete(parent: AgentIdentity, id: string): Promise<void>;
};

export type SubAgent = { id: string; name: string; token: string };

const TOKEN_LENGTH = 64;
const MAX_SUB_AGENTS = 32;
const MAX_APPS = 64;
const NAME_LIMIT = 64;

export function createSubAgents(options: { store: SubAgentStore; pubsub: Pubsub; clock: Clock }): SubAgents {
  const { store, pubsub, clock } = options;

  /** Announced only after the commit. */
  async function changed<T>(parent: AgentIdentity, work: () => Promise<T>): Promise<T> {
    const result = await work();
    pubsub.publish(workspaceChannel(parent.workspaceId), {});
    return result;
  }

  return {
    create: (identity, request) =>
      changed(identity, () =>
        store.ofParent(identity.agentId, async (parent, writes) => {
          if (parent.isSubAgent) throw invalid("An agent in a dev container cannot start dev containers.");
          const token = randomText(TOKEN_LENGTH);
          const tokenHash = hashToken(token);
          const children = childrenOf(parent, identity.agentId);
          if ("id" in request) {
            const known = children.find(({ id }) => id === request.id);
            if (!known) throw new AgentNotFound();
            await writes.setToken(known.id, tokenHash, request.directory);
            return { id: known.id, name: known.name, token };
          }
          const agent = checked(request, parent);
          const known = children.find(({ id, name }) => name === agent.name && !parent.declared.includes(id));
          if (known) {
            await writes.update(known.id, agent);
            await writes.setToken(known.id, tokenHash, request.directory);
            return { id: known.id, name: known.name, token };
          }
          if (children.length >= MAX_SUB_AGENTS) {
            throw new FleetError(
              "resource_exhausted",
              `An agent can have at most ${MAX_SUB_AGENTS} dev containers.`,
            );
          }
          const name = unused(
            agent.name,
            [identity.agentName, ...parent.others.map((other) => other.name)].map((one) => one.toLowerCase()),
          );
          const id = await writes.insert(parent, { ...agent, name }, tokenHash);
          return { id, name, token };
        }),
      ),

    delete: (identity, id) =>
      changed(identity, () =>
        store.ofParent(identity.agentId, async (parent, writes) => {
          if (!childrenOf(parent, identity.agentId).some((child) => child.id === id)) return;
          if (parent.declared.includes(id)) await writes.end(id, clock.now());
          else await writes.delete(id);
        }),
      ),
  };
}

function childrenOf({ others }: ParentAgent, parentId: string) {
  return others.filter((other) => other.parentId === parentId);
}

/** What a devcontainer.json says comes from a repository: it shares nothing wider than the template allows for ports. */
function checked(agent: NewSubAgent, { maxShareLevel }: ParentAgent): NewSubAgent {
  if (!AGENT_NAME.test(agent.name) || agent.name.length > NAME_LIMIT) {
    throw invalid(
      `The dev container name "${agent.name}" is invalid. Use letters, digits and single hyphens, because it becomes part of a hostname.`,
    );
  }
  if (agent.apps.length > MAX_APPS) throw invalid(`A dev container can have at most ${MAX_APPS} apps.`);
  const slugs = new Set<string>();
  for (const { slug } of agent.apps) {
    if (!APP_SLUG.test(slug) || slug.length > NAME_LIMIT)
      throw invalid(`The app slug "${slug}" is invalid. Use lowercase letters, digits and single hyphens.`);
    if (slugs.has(slug)) throw invalid(`App slug "${slug}" is used more than once.`);
    slugs.add(slug);
  }
  const narrowed = (app: SubAgentApp): SubAgentApp => ({
    ...app,
    sharingLevel: atMost(app.sharingLevel, maxShareLevel) as ShareLevel,
  });
  return { ...agent, apps: agent.apps.map(narrowed) };
}

function unused(name: string, taken: readonly string[]): string {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}-${number}`;
    if (!taken.includes(candidate.toLowerCase())) return candidate;
  }
}

function invalid(message: string): FleetError {
  return new FleetError("invalid_argument", message);
}
