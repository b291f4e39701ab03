// The main script of the single executable: it holds both bundles as assets, and evaluates the one that is asked for.
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const { createRequire } = require("node:module");
const os = require("node:os");
const path = require("node:path");
const sea = require("node:sea");
const vm = require("node:vm");

const isAgent = process.argv[2] === "agent";
if (isAgent) globalThis.__ptyNativePath = unpackPtyAddon();
const bundle = isAgent ? "agent.cjs" : "cli.cjs";
if (sea.getAssetKeys().includes(bundle)) {
  evaluate(bundle);
} else {
  console.error(`This executable was built without ${bundle}. Build both, and make it again.`);
  process.exitCode = 1;
}

function evaluate(asset) {
  // Only a name: stack traces show it, and relative requires, of which a bundle has none, would start here.
  const filename = path.join(path.dirname(process.execPath), asset);
  const run = vm.compileFunction(
    sea.getAsset(asset, "utf8"),
    ["exports", "require", "module", "__filename", "__dirname"],
    {
      filename,
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    },
  );
  const module = { exports: {} };
  run(module.exports, createRequire(filename), module, filename, path.dirname(filename));
}

/** Where the terminal's addon lies: a shared object can only be loaded from a file. */
function unpackPtyAddon() {
  const addon = Buffer.from(sea.getRawAsset("pty.node"));
  const name = `pty-${createHash("sha256").update(addon).digest("hex").slice(0, 16)}.node`;
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache");
  try {
    return unpack(addon, path.join(cache, "coder"), name);
  } catch {
    // A home that cannot be written to: a folder of this process alone.
    return unpack(addon, fs.mkdtempSync(path.join(os.tmpdir(), "coder-agent-")), name);
  }
}

function unpack(addon, folder, name) {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, name);
  if (fs.existsSync(file) && fs.readFileSync(file).equals(addon)) return file;
  const partial = `${file}.${process.pid}`;
  fs.writeFileSync(partial, addon, { mode: 0o700 });
  fs.renameSync(partial, file);
  return file;
}
