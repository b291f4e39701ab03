import type { Clock } from "@fleet/base";
import type { AgentIdentity } from "../agents/store.js";
import type { Actor } from "../auth/actor.js";
import { UNPUSHED_WORK_WANTED_CHANNEL, workspaceChannel } from "../pubsub/channels.js";
import { hintsOf } from "../pubsub/hints.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { Users } from "../users/service.js";
import type { UserStore } from "../users/store.js";
import { bounded, type Report, type Repository } from "./report.js";
import { SETTING, type UnpushedWorkStore } from "./store.js";

/** What agents found, and what of it a stop would delete. */
export type UnpushedWork = {
  /** Why there is nothing to tell. */
  unavailable?: "template" | "user" | "no_report";
  collectedAt: Date | undefined;
  complete: boolean;
  repositories: (Repository & { agentName: string; lostOnStop: boolean })[];
};

/** Git repositories with work that exists only in a workspace. */
export type UnpushedWorkService = {
  /** Stores what the agent found. */
  report(agent: AgentIdentity, report: Pick<Report, "complete" | "repositories">): Promise<void>;
  /** Lets connected agents look again, and returns what they find, or what was last known. */
  get(actor: Actor, workspaceId: string): Promise<UnpushedWork>;
  /** Whether the agents of the workspace are to look. */
  isWanted(workspaceId: string): Promise<boolean>;
  /** Whether the user wants the agents of their workspaces to look. */
  check(actor: Actor, user: string): Promise<boolean>;
  setCheck(actor: Actor, user: string, enabled: boolean): Promise<boolean>;
};

/** What a stop of a workspace does with its data, as far as its template says. */
export type DataOnStop = "all_lost" | "depends_on_storage" | "unknown";

export type UnpushedWorkOptions = {
  store: UnpushedWorkStore;
  /** Throws unless the actor may read the workspace. */
  requireWorkspace(actor: Actor, workspaceId: string): Promise<unknown>;
  dataOnStop(workspaceId: string): Promise<DataOnStop>;
  users: Pick<Users, "require" | "requireManaged">;
  userStore: Pick<UserStore, "configs" | "setConfigs">;
  pubsub: Pubsub;
  clock: Clock;
};

/** How long a request waits for the agents. Longer than an agent looks (services/agent, unpushed/). */
const WAIT_MS = 8_000;
const POLL_MS = 1_000;

export function createUnpushedWork(options: UnpushedWorkOptions): UnpushedWorkService {
  const { store, users, userStore, pubsub, clock } = options;

  const reportsOf = async (id: string) => (await store.reports([id])).get(id) ?? [];

  /** Waits until these agents have reported. */
  async function lookAgain(workspaceId: string, agents: readonly string[]): Promise<Report[]> {
    const asked = clock.now();
    const ending = new AbortController();
    const hints = await hintsOf(pubsub, workspaceChannel(workspaceId), clock, ending.signal, POLL_MS);
    try {
      pubsub.publish(UNPUSHED_WORK_WANTED_CHANNEL, { workspaceId });
      for (;;) {
        const reports = await reportsOf(workspaceId);
        const fresh = new Set(
          reports.filter(({ collectedAt }) => collectedAt >= asked).map(({ agentName }) => agentName),
        );
        const late = clock.now().getTime() >= asked.getTime() + WAIT_MS;
        if (late || agents.every((name) => fresh.has(name))) return reports;
        await hints.next();
      }
    } finally {
      ending.abort();
    }
  }

  return {
    async report({ workspaceId, agentName }, { complete, repositories }) {
      const report = { agentName, collectedAt: clock.now(), complete, repositories: bounded(repositories) };
      if (await store.save(workspaceId, report)) pubsub.publish(workspaceChannel(workspaceId), {});
    },

    async get(actor, workspaceId) {
      await options.requireWorkspace(actor, workspaceId);
      const none = { collectedAt: undefined, complete: true, repositories: [] };
      const scope = await store.scope(workspaceId, clock.now());
      if (scope && !scope.template) return { ...none, unavailable: "template" };
      if (scope && !scope.user) return { ...none, unavailable: "user" };
      const agents = scope?.agents ?? [];
      const reports = agents.length > 0 ? await lookAgain(workspaceId, agents) : await reportsOf(workspaceId);
      if (reports.length === 0) return { ...none, unavailable: "no_report" };
      const onStop = await options.dataOnStop(workspaceId);
      return {
        collectedAt: new Date(Math.min(...reports.map(({ collectedAt }) => collectedAt.getTime()))),
        complete: reports.every(({ complete }) => complete),
        repositories: reports.flatMap(({ agentName, repositories }) =>
          repositories.map((repository) => ({
            ...repository,
            agentName,
            lostOnStop:
              onStop === "all_lost" || (onStop === "depends_on_storage" && repository.onEphemeralStorage),
          })),
        ),
      };
    },

    isWanted: store.isWanted,

    async check(actor, user) {
      const { id } = await users.require(actor, "read_personal", user);
      return (await userStore.configs(id))[SETTING] !== "false";
    },

    async setCheck(actor, user, enabled) {
      const { id } = await users.requireManaged(actor, "update_personal", user);
      await userStore.setConfigs(id, { [SETTING]: String(enabled) });
      return enabled;
    },
  };
}
