import { Columns3 } from "lucide-react";
import { IconButton } from "./button.js";
import { Menu, MenuCheck } from "./menu.js";
import { useStored } from "./stored.js";
import type { WidthName } from "./width.js";

type Choosable = { id: string; title: string; from?: WidthName; choice?: "shown" | "hidden" };

/** What somebody has chosen otherwise than it is at first: true for shown. */
export type ColumnChoice = Readonly<Record<string, boolean>>;

/** The chosen columns of this table, kept in the browser. */
export function useColumns(table: string): [ColumnChoice, (choice: ColumnChoice) => void] {
  return useStored<ColumnChoice>(`columns.${table}`, {});
}

const isChosen = ({ id, choice }: Choosable, chosen: ColumnChoice) =>
  choice === undefined || (chosen[id] ?? choice === "shown");

/** The columns that have room. One that somebody chose to see has room from a small window on. */
export function shownColumns<C extends Choosable>(
  columns: readonly C[],
  choice: ColumnChoice = {},
  widths: ReadonlySet<WidthName>,
): C[] {
  return columns.filter(
    (column) =>
      isChosen(column, choice) &&
      (column.from === undefined || widths.has(column.from) || (choice[column.id] && widths.has("md"))),
  );
}

/** The menu that chooses a table's columns. */
export function ColumnsMenu(props: {
  columns: readonly Choosable[];
  choice: ColumnChoice;
  onChange(choice: ColumnChoice): void;
}) {
  const { columns, choice, onChange } = props;
  return (
    <Menu
      label="Columns"
      trigger={
        <IconButton label="Columns">
          <Columns3 aria-hidden />
        </IconButton>
      }
    >
      {columns
        .filter((column) => column.choice !== undefined)
        .map((column) => (
          <MenuCheck
            key={column.id}
            checked={isChosen(column, choice)}
            onChange={(shown) => onChange({ ...choice, [column.id]: shown })}
          >
            {column.title}
          </MenuCheck>
        ))}
    </Menu>
  );
}
