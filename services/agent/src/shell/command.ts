/** A program and its arguments, as spawn takes them. */
export type Command = { file: string; args: string[] };

/** The interactive login shell. */
export function loginShell(shell: string): Command {
  return /powershell|pwsh|cmd\.exe/i.test(shell) ? { file: shell, args: [] } : { file: shell, args: ["-l"] };
}

/**
 * Runs a text in the shell, or in the interpreter that its first line names (`#!/usr/bin/env python3`), which gets the
 * text as the argument of `-c`.
 */
export function shellCommand(shell: string, text: string): Command {
  const shebang = /^#!\s*(\S[^\n]*)/.exec(text);
  if (shebang) {
    const words = shebang[1]!.trim().split(/\s+/);
    if (words[0] === "/usr/bin/env" && words.length > 1) words.shift();
    return { file: words[0]!, args: [...words.slice(1), "-c", text] };
  }
  if (/cmd\.exe$/i.test(shell)) return { file: shell, args: ["/c", text] };
  if (/powershell|pwsh/i.test(shell)) return { file: shell, args: ["-NoProfile", "-Command", text] };
  return { file: shell, args: ["-c", text] };
}
