// Packs what the browser fetches, of which there is much that gets smaller: `node scripts/build/assets.mjs`, after vite
// and build.mjs.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { compressAsset } from "./compress.mjs";
import { DIST } from "./paths.mjs";

const COMPRESSIBLE = /\.(?:css|html|js|json|map|svg|txt|wasm|webmanifest)$/;
/** What is smaller fits in a packet anyway. */
const MIN_BYTES = 1_024;

const started = performance.now();
const site = join(DIST, "site");
const entries = await readdir(site, { recursive: true, withFileTypes: true });
const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
let count = 0;
for (const file of files) {
  if (!COMPRESSIBLE.test(file) || (await stat(file)).size < MIN_BYTES) continue;
  await compressAsset(file);
  count += 1;
}
console.log(`dist/site: ${count} assets packed in ${((performance.now() - started) / 1000).toFixed(1)} s`);
