import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createPrivateFolder } from "@fleet/base/private-folder";
import type { Command } from "./command.js";

/** A script that lies in a file, with the command that runs it. */
export type ScriptFile = {
  command: Command;
  /** Takes the file away; harmless twice. */
  remove(): void;
};

/**
 * Writes a script to a file of this user's alone, since an argument has at most 128 KiB and not every interpreter takes
 * one, and gives the command that runs it: by the interpreter of its first line, otherwise by the shell. Throws
 * `failed_precondition` when no folder can be written.
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
 * The program that a script's first line names. Words after it are arguments, each its own: Linux itself would make them
 * one, which `#!/bin/bash -e -u` does not mean. `env -S` splits its own.
 */
export function interpreterOf(script: string): Command | undefined {
  const line = /^#!\s*(\S[^\n]*)/.exec(script)?.[1]?.trim();
  if (!line) return undefined;
  const [file, rest = ""] = [/^\S+/.exec(line)![0], /^\S+\s+(.*)$/.exec(line)?.[1]];
  if (/^(-S|--split-string)/.test(rest)) return { file, args: [rest] };
  return { file, args: rest === "" ? [] : rest.split(/\s+/) };
}

/**
 * A template's heredoc may be indented as the template is. Where a shebang comes first, after blank lines or with space
 * before it, that space goes from every line.
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
