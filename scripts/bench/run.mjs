// Runs a benchmark: bundles scripts/bench/<name>.ts into a temporary folder and runs it with this Node.
//   node scripts/bench/run.mjs tunnel [arguments of the benchmark]
// It does so with any other script too, named by its path below the root: node scripts/bench/run.mjs e2e/cluster/main.ts
import { spawn } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const bench = dirname(fileURLToPath(import.meta.url));
const root = resolve(bench, "../..");
const [name, ...rest] = process.argv.slice(2);
const entry = name?.endsWith(".ts") ? join(root, name) : join(bench, `${name}.ts`);
if (!name || !existsSync(entry)) {
  const known = globSync("*.ts", { cwd: bench }).filter((file) => file !== "report.ts");
  console.error(`Name a benchmark: ${known.map((file) => file.slice(0, -3)).join(", ")}.`);
  process.exit(2);
}

/** Finds `@fleet/<package>` and its subpaths as the package's own exports say; scripts are no package themselves. */
const fleetPackages = {
  name: "fleet-packages",
  setup(builder) {
    builder.onResolve({ filter: /^@fleet\// }, ({ path }) => {
      const [, unit, ...subpath] = path.split("/");
      const folder = join(root, "packages", unit);
      const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const file = exports[[".", ...subpath].join("/")];
      return { path: join(folder, typeof file === "string" ? file : file.default) };
    });
  },
};

const folder = mkdtempSync(join(tmpdir(), "fleet-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const outfile = join(folder, `${basename(entry, ".ts")}.mjs`);
await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node24",
  sourcemap: "inline",
  plugins: [fleetPackages],
  nodePaths: globSync("{packages,services}/*/node_modules", { cwd: root }).map((path) => join(root, path)),
  external: ["*.node", "bufferutil", "utf-8-validate", "cpu-features"],
  banner: {
    js: 'import { createRequire as requireFor } from "node:module"; const require = requireFor(import.meta.url);',
  },
  tsconfigRaw: {}, // scripts/bench/tsconfig.json is for the type check: its paths lead to declarations
  logLevel: "warning",
});

const child = spawn(process.execPath, [outfile, ...rest], {
  cwd: root,
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
