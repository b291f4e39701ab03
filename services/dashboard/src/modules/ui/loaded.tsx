import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { isUnanswered } from "../../api/errors.js";
import { ErrorNotice } from "./notice.js";
import { Skeleton } from "./page.js";

type Asked<T> = Pick<UseQueryResult<T>, "data" | "error" | "refetch">;

/**
 * A query's data, a skeleton while it loads, or its error. Data that could not be refreshed stays visible: a lost server is
 * reported by the page's banner, any other error above the data.
 */
export function Loaded<T>(props: {
  query: Asked<T>;
  skeleton?: ReactNode;
  /** Adds padding around an error, for a list that fills its card. */
  padded?: boolean;
  children(data: T): ReactNode;
}) {
  const { query, skeleton = <Skeleton className="h-24 w-full" />, padded, children } = props;
  const { data, error } = query;
  return (
    <>
      {error && (data === undefined || !isUnanswered(error)) && (
        <div className={padded ? "p-4 sm:px-5" : undefined}>
          <ErrorNotice error={error} onRetry={() => void query.refetch()} />
        </div>
      )}
      {data !== undefined ? children(data) : !error && skeleton}
    </>
  );
}
