import { createHash } from "node:crypto";
import { cp, mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@fleet/base";
import { sweepUnused } from "../files.js";

const PARTS = [".terraform", ".terraform.lock.hcl"];

/** On-disk cache of the results of `terraform init` and `terraform graph` for template versions. */
export type PreparedVersions = {
  /** Restores the version's `.terraform` and lock file into a work folder. False if it is not cached. */
  restore(key: string, folder: string): Promise<boolean>;
  store(key: string, folder: string): Promise<void>;
};

/** Cache key of a prepared version: the template's content and the program's version. */
export function preparedKey(sourceSha256: string, toolVersion: string): string {
  return createHash("sha256").update(`${sourceSha256} ${toolVersion}`).digest("hex");
}

export async function createPreparedVersions(root: string, clock: Clock): Promise<PreparedVersions> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  await sweepUnused(root, clock);
  const complete = (path: string) =>
    stat(join(path, "complete")).then(
      () => true,
      () => false,
    );

  return {
    async restore(key, folder) {
      const kept = join(root, key);
      if (!(await complete(kept))) return false;
      for (const part of PARTS) await copy(join(kept, part), join(folder, part));
      const now = clock.now();
      await utimes(kept, now, now);
      return true;
    },
    async store(key, folder) {
      const kept = join(root, key);
      if (await complete(kept)) return;
      const partial = `${kept}.${process.pid}`;
      await mkdir(partial, { recursive: true, mode: 0o700 });
      try {
        for (const part of PARTS) await copy(join(folder, part), join(partial, part));
        await writeFile(join(partial, "complete"), "");
        await rm(kept, { recursive: true, force: true });
        await rename(partial, kept);
      } catch (error) {
        await rm(partial, { recursive: true, force: true });
        // Another job of the same version was faster.
        if (!(await complete(kept))) throw error;
      }
    },
  };
}

/** Providers are symlinks into the plugin cache and stay symlinks; modules are text. Each job gets a writable copy. */
async function copy(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, verbatimSymlinks: true, force: false }).catch((error) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  });
}

/** A file's content; undefined if it does not exist. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return readFile(path).catch((error) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
}
