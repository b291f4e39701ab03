// Writes docs/settings.md from the programs' declarations; with --check, fails if it is out of date.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const ROOT = resolve(import.meta.dirname, "../..");
const FILE = join(ROOT, "docs/settings.md");

const folder = mkdtempSync(join(tmpdir(), "settings-"));
const bundle = join(folder, "settings.cjs");
await build({
  entryPoints: [join(import.meta.dirname, "settings.ts")],
  outfile: bundle,
  bundle: true,
  platform: "node",
  logLevel: "error",
});
// Defaults that depend on the machine are shown by their description.
const text = execFileSync(process.execPath, [bundle], { encoding: "utf8", env: { PATH: process.env.PATH } });
rmSync(folder, { recursive: true });
if (!process.argv.includes("--check")) writeFileSync(FILE, text);
else if (readFileSync(FILE, "utf8") !== text) {
  console.error("docs/settings.md is out of date. Run `make gen` and commit it.");
  process.exit(1);
}
