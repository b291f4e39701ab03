import { type Clock, createCache } from "@fleet/base";
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
  async function ask(agentId: string): Promise<Whereabouts> {
    const { routes, agentExpected } = await coderd.lookupRoute({ agentId });
    const others = routes.filter((route) => route.replicaId !== replicaId && route.relayAddress !== "");
    return { routes: others, expected: agentExpected };
  }

  const known = createCache({
    clock,
    ttlMs: ({ routes }: Whereabouts) => (routes.length === 0 ? LIMITS.missingRouteMs : LIMITS.routeMs),
    limit: LIMITS.routes,
    load: ask,
  });
  return { lookup: known.get, invalidate: known.delete, clear: known.clear };
}
