import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import type { ControlGroup } from "./cgroup.js";
import type { JobLimits } from "./limits.js";

/** A program to start in place of a command of a template's engine. */
export type Launch = {
  path: string;
  args: readonly string[];
  /** The user to start it as, unless the daemon's own. */
  uid?: number;
  /** True if it writes the command's process ID, as JSON, to descriptor 3. */
  tellsPid: boolean;
};

/** Programs of util-linux, where they are installed. */
export type LimitPrograms = { setpriv: string | undefined; prlimit: string | undefined };

/** Joins the groups whose files are the first arguments, after their number, then becomes the rest. */
const JOIN =
  'n=$1; shift; while [ "$n" -gt 0 ]; do echo $$ > "$1" || exit 125; shift; n=$((n - 1)); done; exec "$@"';

/**
 * Puts a limit around everything that the program starts: by a control group, which counts all of it together; or else
 * for each process, by the limits of the kernel for memory, and for the user's number of processes.
 */
export function limited(
  launch: Launch,
  limits: JobLimits,
  group: ControlGroup | undefined,
  { setpriv, prlimit }: LimitPrograms,
): Launch {
  const { path, args, uid, tellsPid } = launch;
  if (group) {
    // Only the daemon may join the group, so the user changes afterwards.
    const asUser = uid === undefined ? [] : [setpriv!, `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
    const { joinFiles } = group;
    return {
      path: "/bin/sh",
      args: ["-c", JOIN, "sh", String(joinFiles.length), ...joinFiles, ...asUser, path, ...args],
      tellsPid,
    };
  }
  if (prlimit === undefined) return launch;
  const processes = uid === undefined ? [] : [`--nproc=${limits.processes}`];
  return { ...launch, path: prlimit, args: [`--data=${limits.memoryBytes}`, ...processes, path, ...args] };
}

export function findProgram(name: string, searchPath: string): string | undefined {
  return searchPath
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
