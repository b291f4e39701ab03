import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Clock } from "@fleet/base";

/** A folder whose owner cannot be asked whether it lives is swept when it is this old. */
const FOREIGN_MAX_AGE_MS = 24 * 3600 * 1000;

/** The folders that jobs run in: one for each job, closed to every other user, removed with the job. */
export type WorkFolders = {
  create(jobId: string): Promise<string>;
  remove(path: string): Promise<void>;
};

/** Makes a place for this process below `root`, and sweeps what dead processes left there. */
export async function createWorkFolders(root: string, clock: Clock): Promise<WorkFolders> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const own = `${hostname()}.${process.pid}`;
  for (const name of await readdir(root)) {
    if (await isDead(root, name, own, clock)) await rm(join(root, name), { recursive: true, force: true });
  }
  const place = join(root, own);
  await mkdir(place, { recursive: true, mode: 0o700 });
  return {
    create: (jobId) => mkdtemp(join(place, `${jobId.replace(/[^\w-]/g, "")}-`)),
    remove: (path) => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

async function isDead(root: string, name: string, own: string, clock: Clock): Promise<boolean> {
  const [, host, pid] = /^(.+)\.(\d+)$/.exec(name) ?? [];
  if (name === own) return true;
  if (host !== hostname()) {
    const found = await stat(join(root, name)).catch(() => undefined);
    return found !== undefined && clock.now().getTime() - found.mtimeMs > FOREIGN_MAX_AGE_MS;
  }
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
