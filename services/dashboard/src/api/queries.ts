import { QueryCache, QueryClient } from "@tanstack/react-query";
import { isFleetError, isPassing } from "./errors.js";
import type { Pulse } from "./pulse.js";
import { sessionKey } from "./session.js";

const RETRIES = 2;

/** The page's query cache. If the session has expired, clears the session, which redirects to the login page. */
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
        // Offline, queries fail immediately and are repeated when the server is back, rather than pausing silently.
        networkMode: "always",
        retry: (failures, error) => isPassing(error) && failures < RETRIES && pulse.state() === "ok",
      },
      mutations: { networkMode: "always" },
    },
  });
  return queries;
}

/** Refetches everything shown as soon as the server is back. Returns a function that stops this. */
export function refetchWhenBack(queries: QueryClient, pulse: Pick<Pulse, "state" | "subscribe">): () => void {
  let away = false;
  return pulse.subscribe(() => {
    const back = away && pulse.state() === "ok";
    away = pulse.state() !== "ok";
    if (back) void queries.refetchQueries({ type: "active" });
  });
}
