import { accessSync, constants, statSync } from "node:fs";
import { errorMessage } from "@fleet/base";

/** True if a process can be started in the folder. */
export function canEnter(path: string): boolean {
  return folderProblem(path) === undefined;
}

function folderProblem(path: string): string | undefined {
  try {
    if (!statSync(path).isDirectory()) return `${path} is not a folder.`;
    accessSync(path, constants.X_OK);
    return undefined;
  } catch (error) {
    const denied = ["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "");
    return denied ? `Permission denied to enter the folder ${path}.` : `The folder ${path} does not exist.`;
  }
}

/** Why a program failed to start: Node blames the program even if the working directory is the problem. */
export function spawnProblem(error: unknown, { file, cwd }: { file: string; cwd: string }): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
      return folderProblem(cwd) ?? `${file}: command not found.`;
    case "EACCES":
      return folderProblem(cwd) ?? `${file}: permission denied.`;
    case "E2BIG":
      return "The command line and environment are too long.";
    case "ENOEXEC":
      return `${file}: cannot execute on this platform.`;
    case "EAGAIN":
      return "The workspace has too many processes. Stop some, then try again.";
    case "ENOMEM":
      return "The workspace is out of memory.";
    default:
      return errorMessage(error);
  }
}
