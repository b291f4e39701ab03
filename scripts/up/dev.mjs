// `make dev`: runs the fleet as `make up` does. Changed services are bundled again and restarted by the
// supervisor, and the dashboard hot-reloads on its own port.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { UNITS } from "../build/units.mjs";
import { ROOT, startOf } from "./places.mjs";

const SETTLE_MS = 200;

const children = [run("make up", [join(ROOT, "scripts/up/up.mjs")])];
if (existsSync(join(ROOT, "services/dashboard/index.html"))) {
  children.push(
    run(
      "dashboard",
      [join(ROOT, "services/dashboard/node_modules/vite/bin/vite.js")],
      join(ROOT, "services/dashboard"),
    ),
  );
}
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
  });
}

function run(name, args, cwd = ROOT) {
  const child = spawn(process.execPath, args, { cwd, stdio: "inherit" });
  child.once("exit", (code) => {
    if (name === "make up") process.exit(code ?? 0);
    else console.log(`[dev] ${name} exited (${code})`);
  });
  return child;
}

const changed = new Set();
let timer;
let building = false;

/** The bundles that contain this file. A package is in most of them. */
function unitsOf(path) {
  const [kind, name] = path.split("/");
  return kind === "services" ? UNITS.filter((unit) => unit.name === name) : UNITS;
}

for (const kind of ["services", "packages"]) {
  for (const name of readdirSync(join(ROOT, kind))) {
    const folder = join(ROOT, kind, name, "src");
    if (!existsSync(folder) || name === "dashboard") continue;
    watch(folder, { recursive: true }, (_event, file) => {
      if (!file?.endsWith(".ts") || file.endsWith(".test.ts")) return;
      for (const unit of unitsOf(`${kind}/${name}`)) changed.add(unit.name);
      clearTimeout(timer);
      timer = setTimeout(() => void rebuild(), SETTLE_MS);
    });
  }
}

async function rebuild() {
  if (building || changed.size === 0) return;
  building = true;
  const units = [...changed];
  changed.clear();
  const built = await new Promise((resolve) => {
    const child = spawn(process.execPath, [join(ROOT, "scripts/build/build.mjs"), ...units], {
      stdio: "inherit",
    });
    child.once("exit", (code) => resolve(code === 0));
  });
  if (built) for (const unit of units) restart(unit);
  building = false;
  if (changed.size > 0) await rebuild();
}

/** Stops the unit's processes below this one; the supervisor restarts them from the current bundle. */
function restart(unit) {
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const command = read(`/proc/${entry}/cmdline`);
    if (!command.includes(`${ROOT}/dist/${unit}.`) || !isBelow(Number(entry), process.pid)) continue;
    console.log(`[dev] restarting ${unit}`);
    process.kill(Number(entry), "SIGTERM");
  }
}

function isBelow(pid, ancestor) {
  for (let current = pid; current > 1; ) {
    const stat = read(`/proc/${current}/stat`);
    current = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    if (current === ancestor) return true;
    if (!startOf(current)) return false;
  }
  return false;
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
