import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { folderOf, type Program } from "@fleet/base/own-program";
import { createPrivateFolder } from "@fleet/base/private-folder";

/** The previous file of `ENV`, if any, is read first. */
export const FORMER_ENV = "CODER_SHELL_ENV";
const PASS_ON = `[ -z "$${FORMER_ENV}" ] || . "$${FORMER_ENV}"\n`;

/** The `coder` command for processes in the workspace. */
export type OwnCommand = {
  /** A private folder that contains only the command; first in PATH. */
  folder: string;
  /** The command itself. */
  file: string;
  /**
   * A file for the variable `ENV`, which ash, dash and ksh read after the login profile: it puts the folder first in
   * PATH again.
   */
  profile: string;
  remove(): void;
};

/**
 * Creates the folder below the preferred one, or elsewhere if that is not writable. The command is missing if there is
 * no CLI next to this bundle. Throws `failed_precondition` if no folder is writable.
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

/** Used if the folder could not be created: processes in the workspace have no `coder` command. */
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

/** Quotes a word for a POSIX shell. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * For PROMPT_COMMAND: puts the folder first in PATH again, because the profile of Debian and other distributions resets
 * PATH in each login shell.
 */
export function keepOnPath(folder: string): string {
  const path = quoted(folder);
  return `case "$PATH" in *${path}${delimiter}*) ;; *) PATH=${path}"${delimiter}$PATH" ;; esac`;
}
