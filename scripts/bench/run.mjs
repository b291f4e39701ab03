// Runs a benchmark: bundles scripts/bench/<name>.ts into a temporary folder and runs it with this Node.
//   node scripts/bench/run.mjs tunnel [arguments of the benchmark]
// It also runs any other script, named by its path from the root: node scripts/bench/run.mjs e2e/cluster/main.ts
import { spawn } from "node:child_process";
import { existsSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.mjs";

const bench = dirname(fileURLToPath(import.meta.url));
const root = resolve(bench, "../..");
const [name, ...rest] = process.argv.slice(2);
const entry = name?.endsWith(".ts") ? join(root, name) : join(bench, `${name}.ts`);
if (!name || !existsSync(entry)) {
  const known = globSync("*.ts", { cwd: bench }).filter((file) => file !== "report.ts");
  console.error(`Specify a benchmark: ${known.map((file) => file.slice(0, -3)).join(", ")}.`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "fleet-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const outfile = join(folder, `${basename(entry, ".ts")}.mjs`);
await bundle(entry, outfile);

const child = spawn(process.execPath, [outfile, ...rest], {
  cwd: root,
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
