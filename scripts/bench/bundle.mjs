// Bundles a script of the repository, with its imports, into one file that Node runs anywhere.
//   node scripts/bench/bundle.mjs e2e/cluster/load/main.ts OUTFILE
import { globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** Resolves `@fleet/<package>` and its subpaths by the package's exports, since scripts are not a package. */
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

/** Lets a module find the files beside its source, wherever the bundle is. */
const ownFolders = {
  name: "own-folders",
  setup(builder) {
    builder.onLoad({ filter: /\/(?:e2e|scripts)\/.*\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      if (!text.includes("import.meta.dirname")) return undefined;
      return {
        contents: text.replaceAll("import.meta.dirname", JSON.stringify(dirname(path))),
        loader: "ts",
      };
    });
  },
};

export async function bundle(entry, outfile) {
  await build({
    entryPoints: [resolve(root, entry)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    sourcemap: "inline",
    plugins: [fleetPackages, ownFolders],
    nodePaths: globSync("{packages,services}/*/node_modules", { cwd: root }).map((path) => join(root, path)),
    external: ["*.node", "bufferutil", "utf-8-validate", "cpu-features"],
    banner: {
      js: 'import { createRequire as requireFor } from "node:module"; const require = requireFor(import.meta.url);',
    },
    tsconfigRaw: {}, // scripts/bench/tsconfig.json is for type checking: its paths lead to declarations
    logLevel: "warning",
  });
}

if (import.meta.main) await bundle(process.argv[2], resolve(process.argv[3]));
