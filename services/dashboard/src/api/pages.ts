import { useQueries } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";

export type LoadedPage<Row> = { rows: readonly Row[]; count: number };

/** A list whose rows are loaded where they are looked at, page by page. */
export type LongList<Row> = {
  /** As long as the whole list, with holes where nothing is loaded; undefined until the first page is. */
  rows: readonly (Row | undefined)[] | undefined;
  error: unknown;
  retry(): void;
  /** The rows in view, for `Table.onView`. */
  onView(first: number, last: number): () => void;
  /** The rows are those of an earlier search, until the new ones are there. */
  busy: boolean;
};

/** Rows scrolled past quickly are not loaded. */
const SETTLE_MS = 80;

/** Loads the pages of a list that are in view. `key` names the list with its search; another one starts at the top. */
export function useLongList<Row>(options: {
  key: readonly unknown[];
  size: number;
  load(page: { limit: number; offset: number }, signal: AbortSignal): Promise<LoadedPage<Row>>;
}): LongList<Row> {
  const { key, size, load } = options;
  const name = JSON.stringify(key);
  const [view, setView] = useState({ name, first: 0, last: 0 });
  const [kept, setKept] = useState<readonly (Row | undefined)[]>();
  const [first, last] = view.name === name ? [view.first, view.last] : [0, 0];
  const pages = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const found = useQueries({
    queries: pages.map((page) => ({
      queryKey: [...key, { limit: size, offset: page * size }],
      queryFn: ({ signal }: { signal: AbortSignal }) => load({ limit: size, offset: page * size }, signal),
    })),
  });
  const newest = found.reduce((a, b) => (b.dataUpdatedAt > a.dataUpdatedAt ? b : a));
  const stamp = `${name} ${found.map(({ dataUpdatedAt }) => dataUpdatedAt).join()} ${first}`;
  // The stamp says when the pages have changed.
  const rows = useMemo(() => {
    if (!newest.data) return undefined;
    const all: (Row | undefined)[] = new Array(newest.data.count).fill(undefined);
    found.forEach(({ data }, index) => {
      data?.rows.forEach((row, at) => {
        const position = (pages[index]! * size + at) as number;
        if (position < all.length) all[position] = row;
      });
    });
    return all;
  }, [stamp]);
  if (rows !== undefined && rows !== kept) setKept(rows);
  const failed = found.find(({ error }) => error);
  const onView = useCallback(
    (firstRow: number, lastRow: number) => {
      const next = { name, first: Math.floor(firstRow / size), last: Math.floor(lastRow / size) };
      const timer = setTimeout(
        () =>
          setView((before) =>
            before.name === next.name && before.first === next.first && before.last === next.last
              ? before
              : next,
          ),
        SETTLE_MS,
      );
      return () => clearTimeout(timer);
    },
    [name, size],
  );
  return {
    rows: rows ?? (failed ? undefined : kept),
    error: failed?.error,
    retry: () => {
      for (const query of found) void query.refetch();
    },
    onView,
    busy: rows === undefined,
  };
}
