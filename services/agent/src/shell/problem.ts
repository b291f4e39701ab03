import { accessSync, constants, statSync } from "node:fs";
import { errorMessage } from "@fleet/base";

/** True for a folder that a process can be started in. */
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
    return denied
      ? `The folder ${path} cannot be entered: permission denied.`
      : `There is no folder ${path}.`;
  }
}

/** Why a program could not be started, as a sentence: Node names the program even where the folder is at fault. */
export function spawnProblem(error: unknown, { file, cwd }: { file: string; cwd: string }): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
      return folderProblem(cwd) ?? `${file} was not found.`;
    case "EACCES":
      return folderProblem(cwd) ?? `${file} cannot be run: permission denied.`;
    case "E2BIG":
      return "The command and its environment are too long for this system.";
    case "ENOEXEC":
      return `${file} is not a program for this machine.`;
    case "EAGAIN":
      return "The workspace has too many processes. End some first.";
    case "ENOMEM":
      return "The workspace is out of memory.";
    default:
      return errorMessage(error);
  }
}
