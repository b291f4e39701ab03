import { mkdirSync, writeFileSync } from "node:fs";

/** Times the steps of a test and prints each when it finishes. */
export type Stages = {
  run<T>(name: string, step: () => Promise<T>): Promise<T>;
  /** Adds a number that is not a stage's duration. */
  note(key: string, value: number): void;
  /**
   * Prints a table, writes bench-results/<bench>.json, and ends with one line of JSON. If a value named in `zero` is
   * not 0, prints an error and exits with 1.
   */
  report(bench: string, zero?: readonly string[]): void;
};

export function createStages(): Stages {
  const started = performance.now();
  const rows: [label: string, key: string, value: number][] = [];
  return {
    async run(name, step) {
      const begun = performance.now();
      try {
        return await step();
      } finally {
        const seconds = (performance.now() - begun) / 1_000;
        rows.push([`${name}, s`, keyOf(name), seconds]);
        say(`${seconds.toFixed(1).padStart(7)} s  ${name}`);
      }
    },
    note(key, value) {
      rows.push([key.replaceAll("_", " "), key, value]);
    },
    report(bench, zero = []) {
      rows.push(["in all, s", "total_s", (performance.now() - started) / 1_000]);
      const width = Math.max(...rows.map(([label]) => label.length));
      for (const [label, , value] of rows) say(`${label.padEnd(width)}  ${value.toFixed(1).padStart(8)}`);
      const results = Object.fromEntries(rows.map(([, key, value]) => [key, Number(value.toFixed(1))]));
      const goals = Object.fromEntries(zero.map((key) => [key, { op: "<=", value: 0 }]));
      for (const key of zero) {
        if (results[key] === 0) continue;
        say(`MISSED ${key}: ${results[key] ?? "not measured"}, where 0 was the goal.`);
        process.exitCode = 1;
      }
      const closing = JSON.stringify({ bench, results, goals });
      mkdirSync("bench-results", { recursive: true });
      writeFileSync(`bench-results/${bench}.json`, `${closing}\n`);
      say(closing);
    },
  };
}

/** "helm install --wait" becomes helm_install_wait_s. */
function keyOf(name: string): string {
  return `${name
    .toLowerCase()
    .match(/[a-z]+/g)!
    .join("_")}_s`;
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
