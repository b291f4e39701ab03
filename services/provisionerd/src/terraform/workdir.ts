import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@fleet/base";
import type { JobPlace } from "../isolation/isolation.js";
import { isDeadProcess, isOfThisHost, processName } from "../process-name.js";

/** Folders whose owner may be alive on another host are removed at this age. */
const FOREIGN_MAX_AGE_MS = 24 * 3600 * 1000;

/** Work folders: one for each job, private to this user, removed with the job. */
export type WorkFolders = {
  create(jobId: string): Promise<JobPlace>;
  remove(path: string): Promise<void>;
};

/** Creates this process's work folder below `root`, and removes those of dead processes. */
export async function createWorkFolders(root: string, clock: Clock): Promise<WorkFolders> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  for (const name of await readdir(root)) {
    if (await isDead(root, name, clock)) await rm(join(root, name), { recursive: true, force: true });
  }
  const place = join(root, processName());
  await mkdir(place, { recursive: true, mode: 0o700 });
  return {
    async create(jobId) {
      const own = await mkdtemp(join(place, `${jobId.replace(/[^\w-]/g, "")}-`));
      const [folder, plugins, home, temporary] = ["src", "plugins", "home", "tmp"].map((name) =>
        join(own, name),
      );
      const job = { place: own, folder: folder!, plugins: plugins!, home: home!, temporary: temporary! };
      for (const path of [job.folder, job.plugins, job.home, job.temporary])
        await mkdir(path, { mode: 0o700 });
      return job;
    },
    remove: (path) => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

async function isDead(root: string, name: string, clock: Clock): Promise<boolean> {
  if (!isOfThisHost(name)) {
    const found = await stat(join(root, name)).catch(() => undefined);
    return found !== undefined && clock.now().getTime() - found.mtimeMs > FOREIGN_MAX_AGE_MS;
  }
  return isDeadProcess(name);
}
