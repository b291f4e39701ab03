// Builds the provider as an executable, in the layout of a filesystem mirror for terraform's `provider_installation`:
//   node packages/terraform-provider/build.mjs [FOLDER]      (dist/provider at the root by default)
import { chmod, cp, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const VERSION = "2.20.0";
/** It is a script for node, so one file serves every platform that runs a file by its first line. */
const PLATFORMS = ["linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64"];

const here = dirname(fileURLToPath(import.meta.url));
const mirror = process.argv[2] ?? join(here, "../../dist/provider");
const file = (platform) =>
  join(
    mirror,
    "registry.terraform.io/coder/coder",
    VERSION,
    platform,
    `terraform-provider-coder_v${VERSION}`,
  );

const first = file(PLATFORMS[0]);
await mkdir(dirname(first), { recursive: true });
await build({
  entryPoints: [join(here, "src/main.ts")],
  outfile: first,
  bundle: true,
  platform: "node",
  target: "node24",
  format: "cjs",
  minify: true, // terraform hashes the file at each command
  banner: { js: "#!/usr/bin/env node" },
  logLevel: "warning",
});
await chmod(first, 0o755);
for (const platform of PLATFORMS.slice(1)) {
  await mkdir(dirname(file(platform)), { recursive: true });
  await cp(first, file(platform));
}
