// Writes V8's compiled code of the command line: code-cache.mjs <asset> <cache>. V8 compiles a function when it is first
// called, so that the cache has those that some commands call.
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import vm from "node:vm";

const LIMIT_MS = 30_000;

const [asset, cache] = process.argv.slice(2);
const script = new vm.Script(await readFile(asset, "latin1"), {
  filename: asset,
  importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
const run = script.runInThisContext();

// A deployment without workspaces.
const server = createServer((_request, response) => {
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify({ workspaces: [], count: 0 }));
}).listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${server.address().port}`;

await call("--version");
await call("list", "--url", url, "--token", "none");
// Loads every command.
await call("--help");
server.close();
server.closeAllConnections();
await writeFile(cache, script.createCachedData());
process.exitCode = 0;

/** Runs one command line. It sets the exit code at its end. */
async function call(...args) {
  process.argv.splice(2, Number.POSITIVE_INFINITY, ...args);
  process.exitCode = undefined;
  const module = { exports: {} };
  run(module.exports, createRequire(asset), module, asset, dirname(asset));
  for (const end = Date.now() + LIMIT_MS; process.exitCode === undefined; await setTimeout(5)) {
    if (Date.now() > end) throw new Error(`coder ${args.join(" ")} did not end.`);
  }
  if (process.exitCode !== 0) throw new Error(`coder ${args.join(" ")} failed.`);
}
