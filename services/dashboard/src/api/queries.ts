import { QueryCache, QueryClient } from "@tanstack/react-query";
import { isFleetError, isPassing } from "./errors.js";
import type { Pulse } from "./pulse.js";
import { sessionKey } from "./session.js";

const RETRIES = 2;

/** The page's cache of answers. An answer that the session has ended empties the session, which leads to the login page. */
export function createQueryClient(pulse: Pick<Pulse, "state">): QueryClient {
  const queries = new QueryClient({
    queryCache: new QueryCache({
      onError(error, query) {
        if (isFleetError(error, "unauthenticated") && query.queryKey[0] !== sessionKey[0]) {
          void queries.invalidateQueries({ queryKey: sessionKey });
        }
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        // Offline, a question fails at once and is asked again when the server is back, rather than waiting in silence.
        networkMode: "always",
        retry: (failures, error) => isPassing(error) && failures < RETRIES && pulse.state() === "ok",
      },
      mutations: { networkMode: "always" },
    },
  });
  return queries;
}

/** Asks again for all that is shown, as soon as the server is back. Returns what ends this. */
export function refetchWhenBack(queries: QueryClient, pulse: Pick<Pulse, "state" | "subscribe">): () => void {
  let away = false;
  return pulse.subscribe(() => {
    const back = away && pulse.state() === "ok";
    away = pulse.state() !== "ok";
    if (back) void queries.refetchQueries({ type: "active" });
  });
}
