import { QueryCache, QueryClient } from "@tanstack/react-query";
import { isFleetError, isPassing } from "./errors.js";
import { sessionKey } from "./session.js";

const RETRIES = 2;

/** The page's cache of answers. An answer that the session has ended empties the session, which leads to the login page. */
export function createQueryClient(): QueryClient {
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
        retry: (failures, error) => isPassing(error) && failures < RETRIES,
      },
    },
  });
  return queries;
}
