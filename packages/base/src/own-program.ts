import { existsSync, realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isSea } from "node:sea";

/**
 * How this program was started: Node with a script, or a single executable, which has none. In that case, `argv[1]` is
 * just the name that the executable was called by, without a folder, and is of no use.
 */
export type Program = {
  readonly execPath: string;
  /** Absolute, with links not resolved, so that a link changed later runs its new target. */
  readonly script: string | undefined;
};

/** This process. */
export function ownProgram(): Program {
  const script = process.argv[1];
  return { execPath: process.execPath, script: isSea() || !script ? undefined : resolve(script) };
}

/** The command that starts the program again. */
export function commandOf({ execPath, script }: Program): string[] {
  return script === undefined ? [execPath] : [execPath, script];
}

/** The folder with the files that ship with the program; links to it are resolved. */
export function folderOf({ execPath, script }: Program): string {
  const file = script ?? execPath;
  return dirname(existsSync(file) ? realpathSync(file) : file);
}
