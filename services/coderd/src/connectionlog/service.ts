import { FleetError } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import type { UnitOfWork } from "../database/unit-of-work.js";
import { pagesOf } from "../search/pages.js";
import { type ConnectionFilter, parseConnectionQuery } from "./query.js";
import type { ConnectionReport } from "./reports-store.js";
import type { ConnectionLogStore, ConnectionPage, ConnectionRow } from "./store.js";

const PAGE_LIMIT = 1_000;
const DEFAULT_PAGE = 100;

/** The connection log: who was connected to which workspace, from where, how long, and how it ended. */
export type ConnectionLog = {
  /** Records connections of a proxy replica, and that the replica is alive. */
  report(replicaId: string, connections: readonly ConnectionReport[]): Promise<void>;
  /** One page of the connections that match the query, newest first, and how many there are. */
  list(
    actor: Actor,
    query: string,
    page: { limit?: number | undefined; offset?: number | undefined },
  ): Promise<ConnectionPage & { count: number }>;
  /** All connections that match the query, oldest first, in pages. Checks the request before the first page. */
  export(actor: Actor, query: string): AsyncIterable<ConnectionPage>;
};

export function createConnectionLog(options: {
  store: ConnectionLogStore;
  /** Stores the connections of a replica. */
  report: ConnectionLog["report"];
  unitOfWork: Pick<UnitOfWork, "run">;
  /** Passes connections that were opened or closed on to receivers outside, in the transaction that stores them. */
  publish?: ((connections: readonly ConnectionRow[]) => Promise<void>) | undefined;
}): ConnectionLog {
  const { store, unitOfWork, publish } = options;

  function filterOf(actor: Actor, query: string): ConnectionFilter {
    const user = requireUser(actor);
    const { everywhere, organizations, ids } = authorizer.reach(user, "read", "connection_log");
    // A credential that is limited to single objects reads no log of all of them.
    if (ids || (!everywhere && organizations.length === 0)) {
      throw new FleetError("not_found", "Connection log not found, or you do not have access to it.");
    }
    const filter = parseConnectionQuery(query, user.username);
    return everywhere ? filter : { ...filter, organizationIds: organizations };
  }

  return {
    async report(replicaId, connections) {
      if (!publish || connections.length === 0) return options.report(replicaId, connections);
      await unitOfWork.run(async () => {
        await options.report(replicaId, connections);
        await publish(await store.byConnection(connections.map(({ connectionId }) => connectionId)));
      });
    },

    async list(actor, query, { limit, offset }) {
      const filter = filterOf(actor, query);
      const page = { limit: Math.min(limit || DEFAULT_PAGE, PAGE_LIMIT), offset: offset ?? 0 };
      const [listed, count] = await Promise.all([store.list(filter, page), store.count(filter)]);
      return { ...listed, count };
    },
    export(actor, query) {
      const filter = filterOf(actor, query);
      return pagesOf((last) => store.after(filter, last, PAGE_LIMIT));
    },
  };
}
