import { glob, mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@fleet/base";
import { UNUSED_AFTER_MS } from "../files.js";

/** host/namespace/type/version, in the plugin cache and in each `.terraform/providers`. */
const VERSION = "*/*/*/*";

/** Creates terraform's plugin cache, and removes old providers that no prepared version links to. */
export async function openPluginCache(root: string, preparedRoot: string, clock: Clock): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const linked = new Set<string>();
  const links = glob(`*/.terraform/providers/${VERSION}`, { cwd: preparedRoot });
  for await (const path of links) linked.add(path.split("/.terraform/providers/")[1]!);
  const oldest = clock.now().getTime() - UNUSED_AFTER_MS;
  for await (const version of glob(VERSION, { cwd: root })) {
    const { mtimeMs } = await stat(join(root, version));
    if (mtimeMs < oldest && !linked.has(version))
      await rm(join(root, version), { recursive: true, force: true });
  }
}
