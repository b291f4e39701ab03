// The main script of the single executable, which holds the bundles as assets and evaluates the requested one. Each asset
// is a function expression with the parameters of a CommonJS module, in Latin-1 (executable.mjs).
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const { createRequire } = require("node:module");
const os = require("node:os");
const path = require("node:path");
const sea = require("node:sea");
const vm = require("node:vm");

/** The names of the executable's assets. */
const contents = JSON.parse(sea.getAsset("contents", "utf8"));
/** Programs beside the command line, by the first argument. */
const PROGRAMS = { agent: "agent.cjs", provisionerd: "provisionerd.cjs" };
const program = process.argv[2];
if (program === "agent") globalThis.__ptyNativeFolder = unpackAddons();
const bundle = Object.hasOwn(PROGRAMS, program ?? "") ? PROGRAMS[program] : "cli.cjs";
if (contents.includes(bundle)) {
  evaluate(bundle);
} else {
  console.error(`This executable was built without ${bundle}. Build both, and make it again.`);
  process.exitCode = 1;
}

function evaluate(asset) {
  // Only a name: stack traces show it, and relative requires, which a bundle does not have, would resolve from it.
  const filename = path.join(path.dirname(process.execPath), asset);
  const cache = `${asset}.cache`;
  const script = new vm.Script(Buffer.from(sea.getRawAsset(asset)).latin1Slice(), {
    filename,
    // Without it, or if this is not the Node that it was made with, V8 parses the whole bundle: a third of the start.
    cachedData: contents.includes(cache) ? Buffer.from(sea.getRawAsset(cache)) : undefined,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const run = script.runInThisContext();
  const module = { exports: {} };
  run(module.exports, createRequire(filename), module, filename, path.dirname(filename));
}

/** The folder of the terminal's addons: shared objects can only be loaded from files. */
function unpackAddons() {
  const addons = contents
    .filter((key) => key.startsWith("addons/"))
    .map((key) => ({ name: path.basename(key), content: Buffer.from(sea.getRawAsset(key)) }));
  const hash = createHash("sha256");
  for (const { content } of addons) hash.update(content);
  const folder = `pty-${hash.digest("hex").slice(0, 16)}`;
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache");
  try {
    return unpack(addons, path.join(cache, "coder", folder));
  } catch {
    // The home folder is not writable: use a folder private to this process.
    return unpack(addons, fs.mkdtempSync(path.join(os.tmpdir(), "coder-agent-")));
  }
}

function unpack(addons, folder) {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const { name, content } of addons) {
    const file = path.join(folder, name);
    if (fs.existsSync(file) && fs.readFileSync(file).equals(content)) continue;
    const partial = `${file}.${process.pid}`;
    fs.writeFileSync(partial, content, { mode: 0o700 });
    fs.renameSync(partial, file);
  }
  return folder;
}
