// `make clean`: deletes the fleet's data on this machine. Other files in the configuration folder, such as the sign-in
// to another deployment, are kept.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CONFIG_DIR, ROOT, WORKSPACES_DIR } from "./places.mjs";

const script = join(ROOT, "templates/local/workspace.sh");
for (const id of existsSync(WORKSPACES_DIR) ? readdirSync(WORKSPACES_DIR) : []) {
  spawnSync("sh", [script, "delete-home"], {
    stdio: "inherit",
    env: { ...process.env, DATA_DIR: WORKSPACES_DIR, WORKSPACE_ID: id },
  });
}
const digest = createHash("sha256").update(CONFIG_DIR).digest("hex").slice(0, 12);
for (const folder of [
  ...["postgres", "redis", "server"].map((name) => join(CONFIG_DIR, name)),
  `/var/lib/coder/${digest}`,
]) {
  if (!existsSync(folder)) continue;
  rmSync(folder, { recursive: true, force: true });
  console.log(`Deleted ${folder}`);
}
const urlFile = join(CONFIG_DIR, "url");
if (existsSync(urlFile) && /\/\/(127\.0\.0\.1|localhost)/.test(readFileSync(urlFile, "utf8"))) {
  for (const name of ["url", "session", "organization"]) rmSync(join(CONFIG_DIR, name), { force: true });
}
