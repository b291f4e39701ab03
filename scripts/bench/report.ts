import { mkdirSync, writeFileSync } from "node:fs";

export type Goal = { op: ">=" | "<="; value: number };

export type Report = {
  bench: string;
  /** Rows of the printed table; the first holds the column headings. */
  table: readonly (readonly string[])[];
  results: Record<string, number>;
  goals: Record<string, Goal>;
  /** Sentences on what was measured and what limits it. */
  notes?: readonly string[];
};

/**
 * Prints the table, the notes and how far each missed goal was missed, writes bench-results/<bench>.json, and ends
 * with one line of JSON. A missed goal is a result, not a failure: the exit status is still 0.
 */
export function report({ bench, table, results, goals, notes = [] }: Report): void {
  console.log(formatTable(table));
  for (const note of notes) console.log(`- ${note}`);
  for (const line of missedGoals(results, goals)) console.log(line);
  const closing = JSON.stringify({ bench, results, goals });
  mkdirSync("bench-results", { recursive: true });
  writeFileSync(`bench-results/${bench}.json`, `${closing}\n`);
  console.log(closing);
}

/** A sentence for each missed goal. */
export function missedGoals(results: Report["results"], goals: Report["goals"]): string[] {
  return Object.entries(goals).flatMap(([name, { op, value }]) => {
    const got = results[name];
    if (got === undefined) return [`MISSED ${name}: it was not measured.`];
    if (op === ">=" ? got >= value : got <= value) return [];
    const percent = ((Math.abs(got - value) / value) * 100).toFixed(1);
    return [`MISSED ${name}: ${got} where ${op} ${value} was the goal, off by ${percent} %.`];
  });
}

function formatTable(rows: Report["table"]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join("  "),
    )
    .join("\n");
}

/** The median; the mean of the two middle values for an even count. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The `q` quantile of the values, with linear interpolation. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (at - low);
}

/** Rounded to this many decimal places, as a number. */
export function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
