// Makes the single executables. Run build.mjs for agent and cli first.
//   executable.mjs         for this machine's platform
//   executable.mjs --all   for every platform, with Node from npm
// executable.mjs linux-arm64 …   for the named platforms
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { compress, PACKED } from "./compress.mjs";
import { fetchParts } from "./fetch.mjs";
import { removeSignature, sign } from "./macho.mjs";
import { BIN, DIST, ROOT } from "./paths.mjs";
import {
  addonsOf,
  hostTarget,
  IMPOSSIBLE_TARGETS,
  makerOf,
  nodeBinaryOf,
  TARGETS,
  targetName,
} from "./targets.mjs";

const run = promisify(execFile);
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2"; // Node's own: the sentinel that postject flips.
const BUNDLES = ["agent.cjs", "cli.cjs", "provisionerd.cjs"].filter((name) => {
  const present = existsSync(join(DIST, name));
  if (!present) console.log(`${name} is not included in the executable: dist/${name} does not exist`);
  return present;
});
/** The starter templates, for `coder templates init`: one asset for each file. */
const STARTERS = readdirSync(join(ROOT, "templates"), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
if (BUNDLES.length === 0) {
  console.error(
    "There is nothing to put into an executable. Run `node scripts/build/build.mjs agent cli` first.",
  );
  process.exit(1);
}

await mkdir(BIN, { recursive: true });
for (const target of askedTargets(process.argv.slice(2))) {
  if (target !== hostTarget()) await fetchParts(target);
  await make(target);
}
await writeFile(join(BIN, "absent.json"), `${JSON.stringify(absentTargets(), undefined, 2)}\n`);

function askedTargets(names) {
  if (names.length === 0) return [hostTarget()];
  if (names.includes("--all")) return TARGETS;
  const platforms = new Map(TARGETS.map((target) => [`${target.os}-${target.arch}`, target]));
  const unknown = names.find((name) => !platforms.has(name));
  if (unknown) {
    console.error(
      `There is no platform "${unknown}". The platforms are ${[...platforms.keys()].join(", ")}.`,
    );
    process.exit(2);
  }
  return names.map((name) => platforms.get(name));
}

/** What /bin responds for a platform without an executable: name to reason. */
function absentTargets() {
  const impossible = IMPOSSIBLE_TARGETS.map((target) => [targetName(target), target.reason]);
  const unbuilt = TARGETS.map(targetName)
    .filter((name) => !existsSync(join(BIN, name)))
    .map((name) => [name, "this server was built without it (`make executables` builds every platform)"]);
  return Object.fromEntries([...impossible, ...unbuilt]);
}

async function make(target) {
  const name = targetName(target);
  const output = join(BIN, name);
  const stamp = join(BIN, `.${name}.stamp`);
  const inputs = await fingerprint(target);
  const previous = await readFile(stamp, "utf8").catch(() => "");
  const all = [output, ...PACKED.map((ending) => `${output}.${ending}`)];
  if (previous === inputs && all.every(existsSync)) {
    return console.log(`${name}: unchanged`);
  }
  const started = performance.now();
  await rm(stamp, { force: true });
  const work = await mkdtemp(join(tmpdir(), "coder-executable-"));
  try {
    const made = await assemble(target, work);
    // Renamed into place: a running agent keeps the file it was started from.
    await copyFile(made, `${output}.partial`);
    await rename(`${output}.partial`, output);
    await compress(output);
    await writeFile(stamp, inputs);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const sizes = await Promise.all(all.map(async (file) => (await stat(file)).size));
  const [plain, ...packed] = sizes.map((bytes) => `${(bytes / 1e6).toFixed(1)} MB`);
  const list = PACKED.map((ending, index) => `${ending} ${packed[index]}`).join(", ");
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${name}: ${plain}, ${list}, in ${seconds} s`);
}

/** Changes whenever any input of the executable changes, including how it is made. */
async function fingerprint(target) {
  const hash = createHash("sha256");
  const scripts = ["executable.mjs", "code-cache.mjs", "compress.mjs", "macho.mjs", "sea-main.cjs"].map(
    (file) => join(ROOT, "scripts/build", file),
  );
  const parts = [
    ...BUNDLES.map((bundle) => join(DIST, bundle)),
    ...addonsOf(target).map(({ path }) => path),
    ...STARTERS,
  ];
  for (const file of [...scripts, ...parts]) {
    hash.update(file).update(await readFile(file));
  }
  const node = nodeBinaryOf(target);
  hash.update(`${node} ${(await stat(node)).size} ${makerOf(target)} ${process.version}`);
  return hash.digest("hex");
}

/** The executable in the work folder: Node, stripped, with the main script and the assets inside. */
async function assemble(target, work) {
  const config = join(work, "sea.json");
  const blob = join(work, "sea.blob");
  const assets = Object.fromEntries([
    ...(await bundleAssets(target, work)),
    ...addonsOf(target).map(({ name, path }) => [`addons/${name}`, path]),
    ...STARTERS.map((file) => [relative(ROOT, file), file]),
  ]);
  // Node can list its assets from 24.8 on.
  const contents = join(work, "contents.json");
  await writeFile(contents, JSON.stringify(Object.keys(assets)));
  await writeFile(
    config,
    JSON.stringify({
      main: join(ROOT, "scripts/build/sea-main.cjs"),
      output: blob,
      disableExperimentalSEAWarning: true,
      assets: { ...assets, contents },
    }),
  );
  await run(makerOf(target), ["--experimental-sea-config", config]);
  const executable = join(work, "coder");
  await copyFile(nodeBinaryOf(target), executable);
  await chmod(executable, 0o755);
  if (target.os === "darwin") await rewrite(executable, removeSignature);
  strip(target, executable);
  const postject = join(ROOT, "node_modules/postject/dist/cli.js");
  const macho = target.os === "darwin" ? ["--macho-segment-name", "NODE_SEA"] : [];
  await run(process.execPath, [
    postject,
    executable,
    "NODE_SEA_BLOB",
    blob,
    "--sentinel-fuse",
    FUSE,
    ...macho,
  ]);
  if (target.os === "darwin") await rewrite(executable, (file) => sign(file, "coder"));
  return executable;
}

/** The bundles as sea-main.cjs evaluates them, and the command line's code cache. */
async function bundleAssets(target, work) {
  const assets = [];
  for (const bundle of BUNDLES) {
    const path = join(work, bundle);
    await writeFile(path, asFunction(await readFile(join(DIST, bundle), "utf8"), bundle), "latin1");
    assets.push([bundle, path]);
  }
  // Only this machine's Node can make code for itself.
  if (target === hostTarget() && BUNDLES.includes("cli.cjs")) {
    const [script, cache] = [join(work, "cli.cjs"), join(work, "cli.cjs.cache")];
    await run(nodeBinaryOf(target), [join(ROOT, "scripts/build/code-cache.mjs"), script, cache]);
    assets.push(["cli.cjs.cache", cache]);
  }
  return assets;
}

/** A CommonJS module as a function expression. Latin-1, which V8 reads without decoding. */
function asFunction(source, name) {
  const wide = /[^\0-\xff]/.exec(source);
  if (wide) throw new Error(`${name} has the character "${wide[0]}", which Latin-1 cannot encode.`);
  return `(function (exports, require, module, __filename, __dirname) {${source}\n})`;
}

async function rewrite(path, change) {
  await writeFile(path, change(await readFile(path)));
}

/** Symbols are a fifth of Node. Must run before the blob is injected, which strip would remove. */
function strip(target, executable) {
  if (!target.strip) return;
  try {
    execFileSync(target.strip, [executable], { stdio: "pipe" });
  } catch (error) {
    const reason = error.code === "ENOENT" ? `${target.strip} is not installed` : "strip refused it";
    console.log(`${targetName(target)}: not stripped: ${reason}`);
  }
}
