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
  /**
   * Replaces this process with another program, which keeps its ID, its standard streams and whoever sends it signals;
   * does not return. Undefined where that is impossible.
   */
  become?(command: readonly string[], env: Readonly<Record<string, string | undefined>>): void;
  /** Restarts the process with these arguments, with its environment hidden from other programs. */
  hideEnvironment?(args: readonly string[]): void;
};
