import { useCallback } from "react";
import { useSearchParams } from "react-router";

export type ListSearch = {
  /** The query as the server parses it. */
  q: string;
  /** From 1. */
  page: number;
  setQuery(q: string): void;
  setPage(page: number): void;
};

/** A list's search and page, kept in the address as `?q=&page=`. */
export function useListSearch(): ListSearch {
  const [search, setSearch] = useSearchParams();
  const setQuery = useCallback((q: string) => setSearch(q ? { q } : {}, { replace: true }), [setSearch]);
  const setPage = useCallback(
    (page: number) =>
      setSearch(
        (before) => {
          const next = new URLSearchParams(before);
          if (page > 1) next.set("page", String(page));
          else next.delete("page");
          return next;
        },
        { replace: true },
      ),
    [setSearch],
  );
  const page = Math.max(1, Math.floor(Number(search.get("page"))) || 1);
  return { q: search.get("q") ?? "", page, setQuery, setPage };
}
