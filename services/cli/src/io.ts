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
};
