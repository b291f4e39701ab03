import type { Clock } from "@fleet/base";
import { LIMITS } from "../limits.js";
import type { Coderd } from "../session/coderd.js";

/** A replica that holds an agent's tunnel. */
export type Route = { replicaId: string; relayAddress: string };

/** What coderd knows of an agent's whereabouts. */
export type Whereabouts = {
  /** The other replicas that hold the agent, newest first; empty when there is none. */
  routes: Route[];
  /** The agent lives: where no replica reaches it, one will again soon. */
  expected: boolean;
};

/** Where agents are, as coderd says; remembered until it says that something changed. */
export type RouteCache = {
  lookup(agentId: string): Promise<Whereabouts>;
  invalidate(agentId: string): void;
  /** Forgets all: after a lost session, changes may have been missed. */
  clear(): void;
};

export type RouteCacheOptions = { coderd: Pick<Coderd, "lookupRoute">; replicaId: string; clock: Clock };

export function createRouteCache({ coderd, replicaId, clock }: RouteCacheOptions): RouteCache {
  const entries = new Map<string, { found: Promise<Whereabouts>; until: number }>();

  async function ask(agentId: string): Promise<Whereabouts> {
    const { routes, agentExpected } = await coderd.lookupRoute({ agentId });
    const others = routes.filter((route) => route.replicaId !== replicaId && route.relayAddress !== "");
    return { routes: others, expected: agentExpected };
  }

  return {
    lookup(agentId) {
      const now = clock.now().getTime();
      const known = entries.get(agentId);
      if (known && known.until > now) return known.found;
      const entry = { found: ask(agentId), until: now + LIMITS.routeMs };
      entries.delete(agentId);
      entries.set(agentId, entry);
      if (entries.size > LIMITS.routes) entries.delete(entries.keys().next().value!);
      entry.found.then(
        ({ routes }) => {
          if (routes.length === 0) entry.until = clock.now().getTime() + LIMITS.missingRouteMs;
        },
        () => {
          if (entries.get(agentId) === entry) entries.delete(agentId);
        },
      );
      return entry.found;
    },
    invalidate: (agentId) => void entries.delete(agentId),
    clear: () => entries.clear(),
  };
}
