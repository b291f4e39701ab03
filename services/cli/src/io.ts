import type { Readable, Writable } from "node:stream";

/** A stream that may be a terminal. */
export type TerminalInput = Readable & { isTTY?: boolean; setRawMode?(mode: boolean): unknown };
export type TerminalOutput = Writable & { isTTY?: boolean; columns?: number; rows?: number };

/** What the process was started with: the environment and the three standard streams. */
export type Io = {
  env: Record<string, string | undefined>;
  stdin: TerminalInput;
  stdout: TerminalOutput;
  stderr: TerminalOutput;
  /** How long a command waits for a deployment that is away, in milliseconds, where it is not the usual time. */
  patienceMs?: number;
  /** Starts the process again with these arguments, its settings out of sight of other programs. */
  hideEnvironment?(args: readonly string[]): void;
};
