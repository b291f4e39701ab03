import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { promisify } from "node:util";
import { FleetError, type Logger } from "@fleet/base";
import type { ProcessUser } from "./child.js";

const run = promisify(execFile);
const USER_NAME = "postgres";

/**
 * The user that Postgres runs as: undefined (this process's own) unless this process is root, as which Postgres
 * refuses to run. Then it is the system user `postgres`, created if it does not exist.
 */
export async function postgresUser(logger: Logger): Promise<ProcessUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const known = await lookUp();
  if (known) return known;
  logger.info("Postgres cannot run as root. Creating the system user postgres.");
  try {
    await run("useradd", [
      "--system",
      "--user-group",
      "--no-create-home",
      "--shell",
      "/bin/false",
      USER_NAME,
    ]);
  } catch (cause) {
    throw new FleetError(
      "failed_precondition",
      "Postgres cannot run as root, and the system user postgres could not be created. Run as another user, or set CODER_PG_CONNECTION_URL.",
      { cause },
    );
  }
  return lookUp();
}

async function lookUp(): Promise<ProcessUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([run("id", ["-u", USER_NAME]), run("id", ["-g", USER_NAME])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}

/** True if the user can traverse every existing folder on the path. Root's own paths often fail: /root is 0700. */
export async function canReach(path: string, user: ProcessUser): Promise<boolean> {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const info = await stat(folder).catch(() => undefined);
    if (info) {
      const bit = info.uid === user.uid ? 0o100 : info.gid === user.gid ? 0o010 : 0o001;
      if ((info.mode & bit) === 0) return false;
    }
    if (folder === dirname(folder)) return true;
  }
}
