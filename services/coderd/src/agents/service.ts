import { type Clock, isUuid } from "@fleet/base";
import { type Action, agentSubject } from "@fleet/rbac";
import type { Actor, AgentActor } from "../auth/actor.js";
import { authorizer } from "../auth/authorizer.js";
import { hashToken } from "../auth/tokens.js";
import { workspaceObject } from "../auth/workspace-access.js";
import { workspaceChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { AgentNotFound, AgentTokenInvalid } from "./errors.js";
import { isExpected, type LifecycleState, mayEnter } from "./status.js";
import type { AgentAccess, AgentIdentity, AgentRow, AgentStartup, AgentStore } from "./store.js";

/** The agent API, for agents themselves and for users. */
export type Agents = {
  /** Returns the facts that access to the agent depends on, if the actor may perform the action on its workspace. */
  access(actor: Actor, action: Action, agentId: string): Promise<AgentAccess>;
  /** Identifies the agent by its token. @throws unauthenticated for an unknown token. */
  authenticate(token: string): Promise<AgentIdentity>;
  /** Throws `unauthenticated` if a later build has replaced the agent or its workspace was deleted. */
  requireCurrent(agentId: string): Promise<void>;
  /** Authenticates an agent as an actor of the REST API. */
  authenticateActor(token: string): Promise<AgentActor>;
  /** @throws not_found if the agent does not exist or the actor may not read its workspace. */
  get(actor: Actor, agentId: string): Promise<AgentRow>;
  /** Whether the agent is connected or expected to reconnect soon. */
  isExpected(agentId: string): Promise<boolean>;
  /** Moves the agent to the given state; invalid transitions are ignored. */
  updateLifecycle(agent: AgentIdentity, next: LifecycleState, at: Date): Promise<void>;
  /** Stores the health of the agent's apps. */
  updateAppHealths(agent: AgentIdentity, healths: { appId: string; health: string }[]): Promise<void>;
  /** Stores what the agent reports about itself at startup. */
  updateStartup(agent: AgentIdentity, startup: AgentStartup): Promise<void>;
};

/** Attempts to apply a lifecycle report that loses a race with another. More than a few means a misbehaving client. */
const LIFECYCLE_ATTEMPTS = 3;

export function createAgents(options: { store: AgentStore; pubsub: Pubsub; clock: Clock }): Agents {
  const { store, pubsub } = options;
  const changed = (agent: { workspaceId: string }) => pubsub.publish(workspaceChannel(agent.workspaceId), {});

  async function access(actor: Actor, action: Action, agentId: string): Promise<AgentAccess> {
    const found = isUuid(agentId) ? await store.access(agentId) : undefined;
    if (!found) throw new AgentNotFound();
    const workspace = workspaceObject({ ...found, id: found.workspaceId });
    authorizer.require(actor, action, workspace, new AgentNotFound());
    return found;
  }

  async function authenticate(token: string): Promise<AgentIdentity> {
    const agent = await store.findByToken(new Uint8Array(hashToken(token)));
    if (!agent) throw new AgentTokenInvalid();
    return agent;
  }

  return {
    access,
    authenticate,

    async requireCurrent(agentId) {
      if (!(await store.isCurrent(agentId))) throw new AgentTokenInvalid();
    },

    async authenticateActor(token) {
      const agent = await authenticate(token);
      return {
        kind: "agent",
        agentId: agent.agentId,
        workspaceId: agent.workspaceId,
        ownerId: agent.ownerId,
        ownerActive: agent.ownerActive,
        userData: agent.userData,
        subject: agentSubject({ id: agent.workspaceId, ownerId: agent.ownerId, orgId: agent.organizationId }),
      };
    },

    async get(actor, agentId) {
      await access(actor, "read", agentId);
      const row = await store.find(agentId);
      if (!row) throw new AgentNotFound();
      return row;
    },

    async isExpected(agentId) {
      const times = await store.connectionTimes(agentId);
      return times !== null && isExpected(times, options.clock.now());
    },

    async updateLifecycle(agent, next, at) {
      for (let attempt = 0; attempt < LIFECYCLE_ATTEMPTS; attempt++) {
        const current = await store.lifecycle(agent.agentId);
        if (!current || !mayEnter(current, next)) return;
        if (await store.setLifecycle(agent.agentId, current, next, at)) return changed(agent);
      }
    },

    async updateAppHealths(agent, healths) {
      if (healths.length === 0) return;
      if ((await store.setAppHealths(agent.agentId, healths)) > 0) changed(agent);
    },

    async updateStartup(agent, startup) {
      await store.setStartup(agent.agentId, startup);
      changed(agent);
    },
  };
}
