/** A program and its arguments for spawn. */
export type Command = { file: string; args: string[] };

/** The interactive login shell. */
export function loginShell(shell: string): Command {
  return /powershell|pwsh|cmd\.exe/i.test(shell) ? { file: shell, args: [] } : { file: shell, args: ["-l"] };
}

/** Runs a command line in the shell. */
export function shellCommand(shell: string, text: string): Command {
  if (/cmd\.exe$/i.test(shell)) return { file: shell, args: ["/c", text] };
  if (/powershell|pwsh/i.test(shell)) return { file: shell, args: ["-NoProfile", "-Command", text] };
  return { file: shell, args: ["-c", text] };
}
