import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { folderOf, type Program } from "@fleet/base/own-program";
import { createPrivateFolder } from "@fleet/base/private-folder";

/** The file that `ENV` named before, if there was one, is read first. */
export const FORMER_ENV = "CODER_SHELL_ENV";
const PASS_ON = `[ -z "$${FORMER_ENV}" ] || . "$${FORMER_ENV}"\n`;

/** `coder`, as what runs in the workspace finds it. */
export type OwnCommand = {
  /** A folder of this agent alone, with nothing else in it; the first of PATH. */
  folder: string;
  /** The command itself. */
  file: string;
  /** A file for the variable `ENV`, which ash, dash and ksh read after the login profile: it puts the folder first again. */
  profile: string;
  remove(): void;
};

/**
 * Makes the folder below the preferred one, or elsewhere where that cannot be written. Without a command line beside
 * this bundle, the command is missing. Throws `failed_precondition` when no folder can be written.
 */
export function createOwnCommand(preferredFolder: string, program: Program): OwnCommand {
  const name = process.platform === "win32" ? "coder.exe" : "coder";
  const root = createPrivateFolder("coder-bin-", {
    preferred: [preferredFolder],
    fill(made) {
      const folder = join(made, "bin");
      mkdirSync(folder);
      writeFileSync(join(made, "shell-profile"), `${PASS_ON}${keepOnPath(folder)}\n`);
      writeCommand(join(folder, name), program);
    },
  });
  const folder = join(root, "bin");
  const remove = () => rmSync(root, { recursive: true, force: true });
  return { folder, file: join(folder, name), profile: join(root, "shell-profile"), remove };
}

/** The command of an agent that has no folder for it: what runs in the workspace does without. */
export const NO_COMMAND: OwnCommand = { folder: "", file: "", profile: "", remove() {} };

function writeCommand(file: string, program: Program): void {
  if (program.script === undefined) {
    symlinkSync(program.execPath, file);
    return;
  }
  const cli = join(folderOf(program), "coder.js");
  if (!existsSync(cli)) return;
  writeFileSync(file, `#!/bin/sh\nexec ${quoted(program.execPath)} ${quoted(cli)} "$@"\n`);
  chmodSync(file, 0o700);
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
