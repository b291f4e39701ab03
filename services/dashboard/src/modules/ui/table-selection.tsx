import type { ReactNode } from "react";
import { useCallback, useMemo, useState } from "react";
import { Button } from "./button.js";

/** The selected rows of a table, by key. */
export type Selection<Row> = {
  keys: ReadonlyMap<string, Row>;
  toggle(key: string, row: Row): void;
  /** Replaces the selection. */
  set(rows: ReadonlyMap<string, Row>): void;
  /** Names a row for screen readers. */
  nameOf(row: Row): string;
};

/** A selection that starts empty. It holds at most `most` rows. */
export function useSelection<Row>(nameOf: (row: Row) => string, most = 500): Selection<Row> {
  const [keys, setKeys] = useState<ReadonlyMap<string, Row>>(new Map());
  const toggle = useCallback(
    (key: string, row: Row) =>
      setKeys((before) => {
        const next = new Map(before);
        if (!next.delete(key) && next.size < most) next.set(key, row);
        return next;
      }),
    [most],
  );
  return useMemo(() => ({ keys, toggle, set: setKeys, nameOf }), [keys, toggle, nameOf]);
}

const BOX = "size-4 cursor-pointer rounded accent-accent align-middle";

export function SelectRow<Row>(props: { selection: Selection<Row>; row: Row; id: string }) {
  const { selection, row, id } = props;
  return (
    <input
      type="checkbox"
      aria-label={`Select ${selection.nameOf(row)}`}
      checked={selection.keys.has(id)}
      onChange={() => selection.toggle(id, row)}
      className={BOX}
    />
  );
}

/** Selects the loaded rows, or none. */
export function SelectAll<Row>(props: {
  selection: Selection<Row>;
  rows: readonly (Row | undefined)[];
  keyOf(row: Row): string;
}) {
  const { selection, rows, keyOf } = props;
  const loaded = rows.filter((row) => row !== undefined);
  const all = loaded.length > 0 && loaded.every((row) => selection.keys.has(keyOf(row)));
  return (
    <input
      type="checkbox"
      aria-label="Select all"
      checked={all}
      ref={(box) => {
        if (box) box.indeterminate = !all && selection.keys.size > 0;
      }}
      onChange={() => selection.set(new Map(all ? [] : loaded.map((row) => [keyOf(row), row])))}
      className={BOX}
    />
  );
}

/** What can be done with the selected rows; fixed to the window's end while there are any. */
export function SelectionBar<Row>(props: { selection: Selection<Row>; children: ReactNode }) {
  const { selection, children } = props;
  if (selection.keys.size === 0) return null;
  return (
    <section
      aria-label="Selection"
      className="sticky bottom-18 z-20 mx-auto flex w-fit max-w-full animate-appear flex-wrap items-center gap-2 rounded-lg border border-line-strong bg-raised px-3 py-2 shadow-float md:bottom-4"
    >
      <span role="status" className="px-1 text-sm tabular-nums">
        {selection.keys.size} selected
      </span>
      {children}
      <Button size="sm" look="ghost" onClick={() => selection.set(new Map())}>
        Clear
      </Button>
    </section>
  );
}
