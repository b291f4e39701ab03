import { spawn } from "node:child_process";
import { once } from "node:events";
import { EXECUTABLE, startFleet } from "../../e2e/harness/fleet.js";
import { median, type Report, report, round } from "./report.js";

/**
 * How long the single executable takes from its start to its end, compared with a Node that does nothing, in alternating
 * rounds on one machine. `coder list` asks a whole fleet on loopback.
 */
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 40);
const GOAL_MS = { version: 60, list: 120 };

/** One run of a program, in milliseconds. */
async function runMs(command: string, args: readonly string[], env: Record<string, string>): Promise<number> {
  const begun = performance.now();
  const child = spawn(command, args, { env, stdio: "ignore" });
  const [code] = (await once(child, "exit")) as [number | null];
  const took = performance.now() - begun;
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}.`);
  return took;
}

async function measure(): Promise<Report> {
  await using fleet = await startFleet();
  const programs = [
    { name: "node", title: "node -e 0", command: process.execPath, args: ["-e", "0"] },
    { name: "version", title: "coder --version", command: EXECUTABLE, args: ["--version"] },
    { name: "list", title: "coder list", command: EXECUTABLE, args: ["list", "--search", "owner:me"] },
    { name: "help", title: "coder --help", command: EXECUTABLE, args: ["--help"] },
  ].map((program) => ({ ...program, times: [] as number[] }));
  const [node] = programs;
  const runAll = async (keep: boolean) => {
    for (const { command, args, times } of programs) {
      const took = await runMs(command, args, fleet.env);
      if (keep) times.push(took);
    }
  };
  await runAll(false);
  for (let turn = 0; turn < ROUNDS; turn++) await runAll(true);

  const above = (times: readonly number[]) => median(times.map((ms, turn) => ms - node!.times[turn]!));
  const results = Object.fromEntries(
    programs.flatMap(({ name, times }) => [
      [`${name}_ms`, round(median(times), 1)],
      [`${name}_best_ms`, round(Math.min(...times), 1)],
      ...(name === "node" ? [] : [[`${name}_above_node_ms`, round(above(times), 1)]]),
    ]),
  );
  return {
    bench: "cli",
    table: [
      ["", "median ms", "best ms", "above node ms"],
      ...programs.map(({ title, times }) => [
        title,
        median(times).toFixed(1),
        Math.min(...times).toFixed(1),
        above(times).toFixed(1),
      ]),
    ],
    results,
    goals: {
      version_ms: { op: "<=", value: GOAL_MS.version },
      list_ms: { op: "<=", value: GOAL_MS.list },
    },
    notes: [
      `${ROUNDS} alternating rounds. "Above node" is the median of each run's difference to the bare Node beside it, which other load on the machine changes least.`,
    ],
  };
}

report(await measure());
