import { stripVTControlCharacters } from "node:util";

/** One column of a list: its name for `-c`, and its text for a row. */
export type Column<Row> = {
  name: string;
  text(row: Row): string;
  /** Shown only on request. */
  extra?: boolean;
};

/** Renders rows in aligned columns with upper-case headers, separated by two spaces. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map((column) => column.text(row)));
  const lines = [columns.map((column) => column.name.toUpperCase()), ...cells];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => width(line[index]!))));
  return lines
    .map((line) =>
      line
        .map((cell, index) => pad(cell, widths[index]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function width(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

function pad(text: string, to: number): string {
  return text + " ".repeat(Math.max(0, to - width(text)));
}
