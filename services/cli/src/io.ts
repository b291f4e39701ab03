import type { Readable, Writable } from "node:stream";

/** A stream that may be a terminal. */
export type TerminalInput = Readable & { isTTY?: boolean; setRawMode?(mode: boolean): unknown };
export type TerminalOutput = Writable & { isTTY?: boolean; columns?: number; rows?: number };

/** The process's environment and standard streams. */
export type Io = {
  env: Record<string, string | undefined>;
  stdin: TerminalInput;
  stdout: TerminalOutput;
  stderr: TerminalOutput;
  /** How long a command waits for an unavailable deployment, in milliseconds, if not the default. */
  patienceMs?: number;
  /** Restarts the process with these arguments, with its environment hidden from other programs. */
  hideEnvironment?(args: readonly string[]): void;
};
