import { useWindowVirtualizer } from "@tanstack/react-virtual";
import clsx from "clsx";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { ErrorNotice } from "./notice.js";
import { Skeleton } from "./page.js";
import { type ColumnChoice, shownColumns } from "./table-columns.js";
import { SelectAll, type Selection, SelectRow } from "./table-selection.js";
import { useWidths, type WidthName } from "./width.js";

export type Column<Row> = {
  id: string;
  /** Text of the header, and of the menu that chooses columns. */
  title: string;
  /** Track of the grid: "8rem", "minmax(10rem, 2fr)". */
  width: string;
  cell(row: Row): ReactNode;
  /** The column is shown from this width of the window on. */
  from?: WidthName;
  /** Rows can be sorted by this value; with `Table.onSort`, by the server. */
  sort?: (row: Row) => string | number;
  /** The column can be hidden, or is hidden at first. The others are always shown. */
  choice?: "shown" | "hidden";
  /** Right-aligned, for numbers and actions. */
  end?: boolean;
  /** The header is only read out, as for a column of buttons. */
  quiet?: boolean;
};

export type Sort = { by: string; descending: boolean };

export type TableProps<Row> = {
  /** Name of the table for screen readers. */
  label: string;
  columns: readonly Column<Row>[];
  /** Undefined while the rows load, and for rows of a long list that are not loaded yet. */
  rows: readonly (Row | undefined)[] | undefined;
  keyOf(row: Row): string;
  error?: unknown;
  onRetry?(): void;
  /** Shown instead of a table without rows. */
  empty: ReactNode;
  /** Height of a row in pixels. */
  rowPx?: number;
  /** The chosen columns, of `useColumns`; by default those that are shown at first. */
  columnChoice?: ColumnChoice;
  /** The order. Without `onSort` the table sorts its rows itself. */
  sort?: Sort | undefined;
  onSort?(sort: Sort | undefined): void;
  selection?: Selection<Row>;
  /** Which rows are in view: a list that loads by parts loads these. */
  onView?(first: number, last: number): undefined | (() => void);
  /** The newest rows are still being read. */
  busy?: boolean;
  /** Called when the row is clicked beside its links and buttons. */
  onOpen?(row: Row): void;
  /** The row that is shown in a pane beside the table. */
  current?: string | undefined;
};

/** Tables of more rows than this draw only those in view. */
const VIRTUAL_FROM = 60;
const OVERSCAN_ROWS = 8;
const SKELETON_ROWS = 8;

/** The table of every list: sortable, with columns by choice, and fast at any length. */
export function Table<Row>(props: TableProps<Row>) {
  const { label, columns, rows, error, rowPx = 48, selection, busy } = props;
  const widths = useWidths();
  const [ownSort, setOwnSort] = useState<Sort>();
  const sort = props.onSort ? props.sort : (ownSort ?? props.sort);
  const shown = shownColumns(columns, props.columnChoice, widths);
  const sorted = useMemo(
    () => (props.onSort || !rows ? rows : sortRows(rows, columns, sort)),
    [rows, columns, sort, props.onSort],
  );
  const tracks = [...(selection ? ["1.5rem"] : []), ...shown.map(({ width }) => width)].join(" ");
  if (error && rows === undefined)
    return <ErrorNotice error={error} {...(props.onRetry ? { onRetry: props.onRetry } : {})} />;
  if (sorted?.length === 0) return <>{props.empty}</>;
  return (
    <>
      {error !== undefined && error !== null && (
        <ErrorNotice error={error} {...(props.onRetry ? { onRetry: props.onRetry } : {})} />
      )}
      {/* biome-ignore lint/a11y/useSemanticElements: rows are laid out by a grid and drawn only in view */}
      <div
        role="table"
        aria-label={label}
        aria-rowcount={sorted ? sorted.length + 1 : -1}
        aria-busy={busy || sorted === undefined}
        className="text-base"
        onKeyDown={moveByArrows}
      >
        <Head
          columns={shown}
          tracks={tracks}
          sort={sort}
          onSort={props.onSort ?? setOwnSort}
          lead={selection && <SelectAll selection={selection} rows={sorted ?? []} keyOf={props.keyOf} />}
        />
        {sorted === undefined ? (
          <SkeletonBody columns={shown} tracks={tracks} rowPx={rowPx} selects={selection !== undefined} />
        ) : (
          <Body {...props} rows={sorted} columns={shown} tracks={tracks} rowPx={rowPx} />
        )}
      </div>
    </>
  );
}

function sortRows<Row>(
  rows: readonly (Row | undefined)[],
  columns: readonly Column<Row>[],
  sort: Sort | undefined,
): readonly (Row | undefined)[] {
  const value = columns.find(({ id }) => id === sort?.by)?.sort;
  if (!sort || !value) return rows;
  const sign = sort.descending ? -1 : 1;
  return rows.toSorted((one, other) => {
    if (one === undefined || other === undefined) return 0;
    const [left, right] = [value(one), value(other)];
    if (typeof left === "string" && typeof right === "string")
      return sign * left.localeCompare(right, undefined, { numeric: true, sensitivity: "base" });
    return sign * (Number(left) - Number(right));
  });
}

const ROW = "grid items-center gap-x-4 border-line border-b px-2";

function Head<Row>(props: {
  columns: readonly Column<Row>[];
  tracks: string;
  sort: Sort | undefined;
  onSort(sort: Sort | undefined): void;
  lead: ReactNode;
}) {
  const { columns, tracks, sort, onSort, lead } = props;
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above
    <div role="rowgroup">
      {/* biome-ignore lint/a11y/useSemanticElements: as above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: a header's row has no focus of its own */}
      <div
        role="row"
        aria-rowindex={1}
        className={clsx(ROW, "h-8 text-muted text-xs")}
        style={{ gridTemplateColumns: tracks }}
      >
        {/* biome-ignore lint/a11y/useSemanticElements: as above */}
        {/* biome-ignore lint/a11y/useFocusableInteractive: its checkbox has the focus */}
        {lead && <div role="columnheader">{lead}</div>}
        {columns.map((column) => {
          const order = sort?.by === column.id ? (sort.descending ? "descending" : "ascending") : undefined;
          const Arrow = order === "descending" ? ArrowDown : ArrowUp;
          return (
            // biome-ignore lint/a11y/useSemanticElements: as above
            // biome-ignore lint/a11y/useFocusableInteractive: its button has the focus
            <div
              key={column.id}
              role="columnheader"
              aria-sort={order}
              className={clsx("truncate", column.end && "text-right")}
            >
              {column.sort ? (
                <button
                  type="button"
                  onClick={() => onSort(nextSort(column.id, sort))}
                  className="inline-flex items-center gap-1 rounded hover:text-ink"
                >
                  {column.title}
                  {order && <Arrow className="size-3" aria-hidden />}
                </button>
              ) : (
                <span className={clsx(column.quiet && "sr-only")}>{column.title}</span>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Ascending, descending, and then the list's own order. */
function nextSort(by: string, sort: Sort | undefined): Sort | undefined {
  if (sort?.by !== by) return { by, descending: false };
  return sort.descending ? undefined : { by, descending: true };
}

type BodyProps<Row> = Omit<TableProps<Row>, "rows" | "rowPx"> & {
  rows: readonly (Row | undefined)[];
  rowPx: number;
  tracks: string;
};

function Body<Row>(props: BodyProps<Row>) {
  if (props.rows.length > VIRTUAL_FROM) return <VirtualBody {...props} />;
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above
    <div role="rowgroup">
      {props.rows.map((row, index) => (
        <TableRow key={row === undefined ? index : props.keyOf(row)} {...props} row={row} index={index} />
      ))}
    </div>
  );
}

function VirtualBody<Row>(props: BodyProps<Row>) {
  const { rows, rowPx, keyOf, onView } = props;
  const body = useRef<HTMLDivElement>(null);
  const [margin, setMargin] = useState(0);
  useEffect(() => setMargin((body.current?.getBoundingClientRect().top ?? 0) + window.scrollY), []);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => rowPx,
    overscan: OVERSCAN_ROWS,
    scrollMargin: margin,
    getItemKey: (index) => {
      const row = rows[index];
      return row === undefined ? index : keyOf(row);
    },
  });
  const items = virtual.getVirtualItems();
  const [first, last] = [items[0]?.index, items.at(-1)?.index];
  useEffect(() => {
    return first !== undefined && last !== undefined ? onView?.(first, last) : undefined;
  }, [first, last, onView]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above
    <div role="rowgroup" ref={body} className="relative" style={{ height: virtual.getTotalSize() }}>
      {items.map(({ key, index, start }) => (
        <TableRow key={key} {...props} row={rows[index]} index={index} top={start - margin} />
      ))}
    </div>
  );
}

function TableRow<Row>(props: BodyProps<Row> & { row: Row | undefined; index: number; top?: number }) {
  const { row, index, columns, tracks, rowPx, top, keyOf, selection, onOpen, current } = props;
  const isCurrent = row !== undefined && current !== undefined && keyOf(row) === current;
  const isSelected = row !== undefined && selection?.keys.has(keyOf(row));
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above
    // biome-ignore lint/a11y/useFocusableInteractive: its links have the focus
    // biome-ignore lint/a11y/useKeyWithClickEvents: what a click on the row does, its link does by keyboard
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-current={isCurrent || undefined}
      className={clsx(
        ROW,
        "group relative transition-colors hover:bg-hover/60",
        (isCurrent || isSelected) && "bg-accent-soft/60",
        top !== undefined && "absolute! inset-x-0 top-0",
        onOpen && "cursor-pointer",
      )}
      style={{
        gridTemplateColumns: tracks,
        minHeight: rowPx,
        ...(top === undefined ? {} : { height: rowPx, transform: `translateY(${top}px)` }),
      }}
      onClick={(event) => {
        const on = event.target as HTMLElement;
        // Clicks in menus and dialogs bubble through the portals of React.
        if (row !== undefined && event.currentTarget.contains(on) && !on.closest("a, button, input, label"))
          onOpen?.(row);
      }}
    >
      {selection && (
        // biome-ignore lint/a11y/useSemanticElements: as above
        <div role="cell" className="relative">
          {row !== undefined && <SelectRow selection={selection} row={row} id={keyOf(row)} />}
        </div>
      )}
      {columns.map((column) => (
        // biome-ignore lint/a11y/useSemanticElements: as above
        <div
          key={column.id}
          role="cell"
          className={clsx("min-w-0", column.end && "flex items-center justify-end text-right tabular-nums")}
        >
          {row === undefined ? <Skeleton className="h-3.5 w-2/3" /> : column.cell(row)}
        </div>
      ))}
    </div>
  );
}

function SkeletonBody<Row>(props: {
  columns: readonly Column<Row>[];
  tracks: string;
  rowPx: number;
  selects: boolean;
}) {
  const { columns, tracks, rowPx, selects } = props;
  return (
    <div role="status" aria-label="Loading">
      {Array.from({ length: SKELETON_ROWS }, (_, index) => (
        <div key={index} className={ROW} style={{ gridTemplateColumns: tracks, height: rowPx }}>
          {selects && <span />}
          {columns.map(({ id }) => (
            <Skeleton key={id} className="h-3.5 w-2/3" />
          ))}
        </div>
      ))}
    </div>
  );
}

/** Arrow keys move from a row's link to that of the row above or below. */
function moveByArrows(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const row = (event.target as HTMLElement).closest("[role=row]");
  if (!row || !event.currentTarget.contains(row) || (event.target as HTMLElement).closest("input, textarea"))
    return;
  if ((event.target as HTMLElement).closest("[aria-haspopup]")) return;
  const other = event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
  const next = other?.querySelector<HTMLElement>("a, button");
  if (!next) return;
  event.preventDefault();
  next.focus();
}
