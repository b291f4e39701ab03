// Bundles the services into dist: `node scripts/build/build.mjs [unit…]`, all of them if none is named.
import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { bundle } from "./bundle.mjs";
import { DIST, ROOT } from "./paths.mjs";
import { addonsOf, hostTarget } from "./targets.mjs";
import { FOLDERS, UNITS } from "./units.mjs";

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !UNITS.some((unit) => unit.name === name));
if (unknown.length > 0) {
  console.error(
    `There is no unit ${unknown.join(", ")}. The units are ${UNITS.map((unit) => unit.name).join(", ")}.`,
  );
  process.exit(1);
}

const chosen = UNITS.filter((unit) => asked.length === 0 || asked.includes(unit.name));
const units = chosen.filter((unit) => {
  const present = existsSync(join(ROOT, "services", unit.name, "src", "main.ts"));
  if (!present) console.log(`${unit.name}: skipped, services/${unit.name}/src/main.ts does not exist`);
  return present;
});

await mkdir(DIST, { recursive: true });
const started = performance.now();
await Promise.all([...units.map(bundle), copyDispatcher(), copyAddons(), ...copyFolders()]);
const built = units.map((unit) => `dist/${unit.outfile}`);
console.log(`${built.join(" ") || "nothing"} in ${((performance.now() - started) / 1000).toFixed(1)} s`);

/** `coder agent …` runs the agent, anything else the CLI: combined here, since neither may import the other. */
async function copyDispatcher() {
  if (!units.some((unit) => unit.format === "cjs")) return;
  await copyFile(join(ROOT, "scripts/build/coder.mjs"), join(DIST, "coder.js"));
}

async function copyAddons() {
  if (!units.some((unit) => unit.name === "agent")) return;
  for (const { name, path } of addonsOf(hostTarget())) await copyFile(path, join(DIST, name));
}

function copyFolders() {
  return FOLDERS.filter(
    (folder) => units.some((unit) => unit.name === folder.unit) && existsSync(join(ROOT, folder.from)),
  ).map(async (folder) => {
    const to = join(DIST, folder.to);
    await rm(to, { recursive: true, force: true });
    const files = folder.files ?? [""];
    for (const file of files) await cp(join(ROOT, folder.from, file), join(to, file), { recursive: true });
  });
}
