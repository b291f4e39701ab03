import { constants } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { FleetError } from "@fleet/base";

/*
 * Files in a job's folder are the template's: a name may be a link to a file of the daemon, or a pipe. Neither is followed
 * or waited for.
 */

/** A file's content; undefined if it does not exist. Throws `failed_precondition` for anything but a file. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!(await file.stat()).isFile()) throw notAFile(path);
    return await file.readFile();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP") throw notAFile(path);
    throw error;
  }
}

export async function writeInJob(path: string, content: string | Uint8Array): Promise<void> {
  const flag = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  // The types know names of flags only.
  await writeFile(path, content, { flag: flag as unknown as string, mode: 0o600 }).catch((error) => {
    throw (error as NodeJS.ErrnoException).code === "ELOOP" ? notAFile(path) : error;
  });
}

function notAFile(path: string): FleetError {
  return new FleetError(
    "failed_precondition",
    `The template replaced ${path.split("/").at(-1)} by something else than a file.`,
  );
}
