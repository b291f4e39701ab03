import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { isUnanswered } from "../../api/errors.js";
import { ErrorNotice } from "./notice.js";
import { Skeleton } from "./page.js";

type Asked<T> = Pick<UseQueryResult<T>, "data" | "error" | "refetch">;

/**
 * What a query brought: its data, a skeleton until it is there, or why it is not. Data that could not be refreshed stays: the
 * page's banner tells of a lost server, and any other error stands above it.
 */
export function Loaded<T>(props: {
  query: Asked<T>;
  skeleton?: ReactNode;
  /** Space around an error, for a list that fills its card. */
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
