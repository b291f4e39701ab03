import { FleetError } from "@fleet/base";
import { type Command, Option } from "commander";
import type { Context } from "../context.js";
import { type Column, renderTable } from "./table.js";

/** Values of `-o` and `-c`. */
export type OutputOptions = { output: "table" | "json" | "text"; column?: string[] };

function names(text: string): string[] {
  return text
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
}

/** Adds `-o table|json` and `-c` to a list command. */
export function withListOutput<Row>(command: Command, columns: readonly Column<Row>[]): Command {
  const shown = columns.filter((column) => !column.extra).map((column) => column.name);
  return command
    .addOption(
      new Option("-o, --output <format>", "Output format").choices(["table", "json"]).default("table"),
    )
    .option(
      "-c, --column <columns>",
      `Columns to show, comma-separated. Available: ${columns.map((column) => column.name).join(", ")} (default: ${shown.join(",")})`,
      names,
    );
}

/** Adds `-o text|json` to a command. */
export function withTextOutput(command: Command): Command {
  return command.addOption(
    new Option("-o, --output <format>", "Output format").choices(["text", "json"]).default("text"),
  );
}

/** Prints rows as requested. JSON has the API's format. */
export function printList<Row>(
  context: Context,
  options: OutputOptions,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): void {
  if (options.output === "json") {
    printJson(context, rows);
    return;
  }
  const chosen = options.column
    ? options.column.map((name) => columnNamed(columns, name))
    : columns.filter((column) => !column.extra);
  context.print(renderTable(chosen, rows));
}

export function printJson(context: Context, value: unknown): void {
  context.print(JSON.stringify(value, null, 2));
}

function columnNamed<Row>(columns: readonly Column<Row>[], name: string): Column<Row> {
  const column = columns.find((each) => each.name.toLowerCase() === name);
  if (column) return column;
  const known = columns.map((each) => each.name).join(", ");
  throw new FleetError("invalid_argument", `"${name}" is not a valid column. Valid values: ${known}.`);
}
