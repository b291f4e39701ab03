import { type Clock, createCache } from "@fleet/base";
import { LIMITS } from "../limits.js";
import type { Coderd } from "../session/coderd.js";

/** A replica that holds an agent's tunnel. */
export type Route = { replicaId: string; relayAddress: string };

/** Where an agent is connected, according to coderd. */
export type Whereabouts = {
  /** The other replicas that hold the agent, newest first. */
  routes: Route[];
  /** The agent is alive: if no replica holds it, it will reconnect soon. */
  expected: boolean;
};

/** Routes to agents from coderd, cached until it reports a change. */
export type RouteCache = {
  lookup(agentId: string): Promise<Whereabouts>;
  invalidate(agentId: string): void;
  /** Clears the cache: after a lost session, changes may have been missed. */
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
