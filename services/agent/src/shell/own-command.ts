import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { folderOf, type Program } from "@fleet/base/own-program";

/** `coder`, as what runs in the workspace finds it. */
export type OwnCommand = {
  /** A folder of this agent alone, with nothing else in it; the first of PATH. */
  folder: string;
  /** The command itself. */
  file: string;
  remove(): void;
};

/** Makes the folder below another one. Without a command line beside this bundle, the folder stays empty. */
export function createOwnCommand(below: string, program: Program): OwnCommand {
  mkdirSync(below, { recursive: true });
  const folder = mkdtempSync(join(below, "coder-bin-"));
  const name = process.platform === "win32" ? "coder.exe" : "coder";
  const file = join(folder, name);
  if (program.script === undefined) symlinkSync(program.execPath, file);
  else {
    const cli = join(folderOf(program), "coder.js");
    if (existsSync(cli)) {
      writeFileSync(file, `#!/bin/sh\nexec ${quoted(program.execPath)} ${quoted(cli)} "$@"\n`);
      chmodSync(file, 0o700);
    }
  }
  return { folder, file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A word of a POSIX shell's, whatever is in it. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * For PROMPT_COMMAND: puts the folder first on PATH again. The profile of Debian and of others sets PATH anew in each
 * login shell, whatever it was before.
 */
export function keepOnPath(folder: string): string {
  const path = quoted(folder);
  return `case "$PATH" in *${path}${delimiter}*) ;; *) PATH=${path}"${delimiter}$PATH" ;; esac`;
}
