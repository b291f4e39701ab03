import { type Clock, isUuid } from "@fleet/base";
import { type Action, agentSubject } from "@fleet/rbac";
import type { Actor, AgentActor } from "../auth/actor.js";
import { authorizer } from "../auth/authorizer.js";
import { hashToken } from "../auth/tokens.js";
import { workspaceChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { AgentNotFound, AgentTokenInvalid } from "./errors.js";
import { isExpected, type LifecycleState, mayEnter } from "./status.js";
import type { AgentAccess, AgentIdentity, AgentRow, AgentStartup, AgentStore } from "./store.js";

/** Agents as they see themselves, and as users see them. */
export type Agents = {
  /** What decides about access to the agent, when the actor may do this to its workspace. */
  access(actor: Actor, action: Action, agentId: string): Promise<AgentAccess>;
  /** Who the agent with this token is. @throws unauthenticated for a token of none. */
  authenticate(token: string): Promise<AgentIdentity>;
  /** Throws `unauthenticated` for an agent that a later build has replaced, or whose workspace was deleted. */
  requireCurrent(agentId: string): Promise<void>;
  /** The agent of a token, as an actor of the REST API. */
  authenticateActor(token: string): Promise<AgentActor>;
  /** @throws not_found where there is none, or the actor may not read its workspace. */
  get(actor: Actor, agentId: string): Promise<AgentRow>;
  /** Whether the agent is connected, or will be again soon. */
  isExpected(agentId: string): Promise<boolean>;
  /** Moves the agent on to the state; a state that cannot follow is passed over. */
  updateLifecycle(agent: AgentIdentity, next: LifecycleState, at: Date): Promise<void>;
  /** Keeps how the agent's apps are. */
  updateAppHealths(agent: AgentIdentity, healths: { appId: string; health: string }[]): Promise<void>;
  /** Keeps what the agent tells of itself when it starts. */
  updateStartup(agent: AgentIdentity, startup: AgentStartup): Promise<void>;
};

/** A lifecycle report that loses against another is judged again; more than a few means somebody hammers. */
const LIFECYCLE_ATTEMPTS = 3;

export function createAgents(options: { store: AgentStore; pubsub: Pubsub; clock: Clock }): Agents {
  const { store, pubsub } = options;
  const changed = (agent: { workspaceId: string }) => pubsub.publish(workspaceChannel(agent.workspaceId), {});

  async function access(actor: Actor, action: Action, agentId: string): Promise<AgentAccess> {
    const found = isUuid(agentId) ? await store.access(agentId) : undefined;
    if (!found) throw new AgentNotFound();
    const workspace = {
      type: "workspace",
      id: found.workspaceId,
      ownerId: found.ownerId,
      orgId: found.organizationId,
    } as const;
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
