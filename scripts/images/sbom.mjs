// Writes the SBOM of an image's programs: `node sbom.mjs NAME BUNDLE… > sbom.cdx.json` (CycloneDX 1.6). It lists the
// packages in the bundles' source maps, so nothing that was only installed. Debian's own packages are in
// the image's dpkg database, where scanners look.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { VERSION } from "../../packages/base/src/version.ts";

const STORE = resolve(import.meta.dirname, "../../node_modules/.pnpm");
const [name, ...bundles] = process.argv.slice(2);
const manifests = new Set([createRequire(import.meta.url).resolve("node/package.json")]);
for (const bundle of bundles) {
  const { sources } = JSON.parse(readFileSync(`${bundle}.map`, "utf8"));
  for (const source of sources) {
    // pnpm names a package's folder by its name, with "+" for "/", and its version.
    const [, folder, escaped] = /node_modules\/\.pnpm\/((@?[^@/]+)@[^/]+)\//.exec(source) ?? [];
    if (folder) manifests.add(join(STORE, folder, "node_modules", escaped.replace("+", "/"), "package.json"));
  }
}

const components = new Map();
for (const path of manifests) {
  const { name: packageName, version, license } = JSON.parse(readFileSync(path, "utf8"));
  const purl = `pkg:npm/${packageName.replace("@", "%40")}@${version}`;
  const licenses = typeof license === "string" ? [{ expression: license }] : [];
  components.set(purl, { type: "library", "bom-ref": purl, name: packageName, version, purl, licenses });
}

const sorted = [...components.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1));
console.log(
  JSON.stringify(
    {
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      version: 1,
      metadata: { component: { type: "application", name, version: VERSION } },
      components: sorted,
    },
    null,
    1,
  ),
);
