import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createPrivateFolder } from "@fleet/base/private-folder";
import type { Command } from "./command.js";

/** A script in a file, with the command that runs it. */
export type ScriptFile = {
  command: Command;
  /** Deletes the file. May be called twice. */
  remove(): void;
};

/**
 * Writes a script to a private file, because arguments are limited to 128 KiB and not every interpreter accepts a
 * script as one, and returns the command that runs it with the interpreter of its shebang or the shell. Throws
 * `failed_precondition` if no folder is writable.
 */
export function createScriptFile(shell: string, text: string, preferredFolder: string): ScriptFile {
  const script = dedent(text);
  const powershell = /powershell|pwsh/i.test(shell);
  const name = powershell ? "script.ps1" : /cmd\.exe$/i.test(shell) ? "script.cmd" : "script";
  const folder = createPrivateFolder("coder-script-", {
    preferred: [preferredFolder],
    fill: (made) => writeFileSync(join(made, name), script, { mode: 0o700 }),
  });
  const file = join(folder, name);
  const shellArgs = powershell
    ? ["-NoProfile", "-ExecutionPolicy", "Bypass", "-File"]
    : name === "script.cmd"
      ? ["/c"]
      : [];
  const interpreter = interpreterOf(script) ?? { file: shell, args: shellArgs };
  return {
    command: { file: interpreter.file, args: [...interpreter.args, file] },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/**
 * The program in a script's shebang and its arguments. They are split into words, unlike in Linux itself, so that
 * `#!/bin/bash -e -u` works. `env -S` splits its own.
 */
export function interpreterOf(script: string): Command | undefined {
  const line = /^#!\s*(\S[^\n]*)/.exec(script)?.[1]?.trim();
  if (!line) return undefined;
  const [file, rest = ""] = [/^\S+/.exec(line)![0], /^\S+\s+(.*)$/.exec(line)?.[1]];
  if (/^(-S|--split-string)/.test(rest)) return { file, args: [rest] };
  return { file, args: rest === "" ? [] : rest.split(/\s+/) };
}

/**
 * Removes the indentation of a template's heredoc: if the shebang follows blank lines or whitespace, that whitespace is
 * removed from every line.
 */
export function dedent(script: string): string {
  const start = /^(?:[ \t]*\r?\n)*([ \t]*)#!/.exec(script);
  if (!start) return script;
  const indent = start[1]!;
  const text = script.slice(start[0].length - indent.length - "#!".length);
  if (indent === "") return text;
  return text
    .split("\n")
    .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
    .join("\n");
}
