import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { FleetError } from "@fleet/base";

/** How many users there are for jobs. */
const USERS = 900;
/** How many times to look for processes that start while others are killed. */
const KILL_ROUNDS = 100;

export type JobUser = { uid: number; release(): void };

/** A user that no other job on this machine has, whichever daemon runs it: its name as a socket is the lock. */
export async function uidOfJob(jobId: string, firstUid: number): Promise<JobUser> {
  const start = createHash("sha256").update(jobId).digest().readUInt32BE(0);
  for (let step = 0; step < USERS; step++) {
    const uid = firstUid + 1 + ((start + step) % (USERS - 1));
    const server = createServer((socket) => socket.destroy()).unref();
    try {
      server.listen(`\0coder-provisioner-uid-${uid}`);
      await once(server, "listening");
      return { uid, release: () => void server.close() };
    } catch {
      // Another job has this user.
    }
  }
  throw new FleetError(
    "resource_exhausted",
    "Every user for isolated templates is in use. Run the job again.",
  );
}

/** Kills every process of a user, except one. */
export async function killAllOf(uid: number, except?: number): Promise<void> {
  for (let round = 0; round < KILL_ROUNDS; round++) {
    const found = (await processesOf(uid)).filter((pid) => pid !== except);
    if (found.length === 0) return;
    for (const pid of found) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has just ended.
      }
    }
  }
}

async function processesOf(uid: number): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const owned = await Promise.all(
    pids.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
      const isZombie = /^State:\s+Z/m.test(status);
      return new RegExp(`^Uid:.*\\b${uid}\\b`, "m").test(status) && !isZombie;
    }),
  );
  return pids.filter((_pid, index) => owned[index]);
}
