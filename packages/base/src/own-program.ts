import { existsSync, realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isSea } from "node:sea";

/**
 * How this program was started: Node with a script, or a single executable, which has none. There, `argv[1]` is the name
 * that the executable was called by, as found in no folder in particular, and says nothing.
 */
export type Program = {
  readonly execPath: string;
  /** Absolute, as it was named: a link is not followed, so that what it is changed to later is run. */
  readonly script: string | undefined;
};

/** This process. */
export function ownProgram(): Program {
  const script = process.argv[1];
  return { execPath: process.execPath, script: isSea() || !script ? undefined : resolve(script) };
}

/** The words that start the program again. */
export function commandOf({ execPath, script }: Program): string[] {
  return script === undefined ? [execPath] : [execPath, script];
}

/** The folder in which lies what ships beside the program; links to it are followed. */
export function folderOf({ execPath, script }: Program): string {
  const file = script ?? execPath;
  return dirname(existsSync(file) ? realpathSync(file) : file);
}
