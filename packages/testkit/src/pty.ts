import { stripVTControlCharacters } from "node:util";
import { spawn } from "@lydell/node-pty";
import { WAIT_LIMIT_MS, waitFor } from "./wait-for.js";

export type PtyOptions = {
  command: string;
  args?: readonly string[];
  cwd?: string;
  env?: Record<string, string | undefined>;
  cols?: number;
  rows?: number;
};

export type PtyExpecter = AsyncDisposable & {
  /** Waits for the text in the output after earlier matches, and returns the output up to and including it. */
  expect(text: string | RegExp, timeoutMs?: number): Promise<string>;
  /** Types the text as is; Enter is `\r`. */
  send(text: string): void;
  resize(cols: number, rows: number): void;
  /** All output so far, without escape sequences. */
  output(): string;
  readonly exited: Promise<{ exitCode: number; signal?: number }>;
};

/** Runs a program on a terminal and interacts with it as a user would. */
export function createPtyExpecter(options: PtyOptions): PtyExpecter {
  const { cols = 120, rows = 40 } = options;
  const pty = spawn(options.command, [...(options.args ?? [])], {
    name: "xterm-256color",
    cwd: options.cwd,
    env: options.env,
    cols,
    rows,
  });
  let raw = "";
  let matched = 0;
  let gone = false;
  const output = () => stripVTControlCharacters(raw);
  pty.onData((chunk) => {
    raw += chunk;
  });
  const exited = new Promise<{ exitCode: number; signal?: number }>((resolve) => {
    pty.onExit((exit) => {
      gone = true;
      resolve(exit);
    });
  });

  function find(text: string | RegExp): string | undefined {
    const rest = output().slice(matched);
    const match = typeof text === "string" ? rest.indexOf(text) : rest.search(text);
    if (match < 0) return undefined;
    const length = typeof text === "string" ? text.length : text.exec(rest)![0].length;
    matched += match + length;
    return rest.slice(0, match + length);
  }

  return {
    async expect(text, timeoutMs = WAIT_LIMIT_MS) {
      const probe = () => {
        const found = find(text);
        if (found === undefined) throw new Error(`the screen shows:\n${output().slice(matched)}`);
        return { found };
      };
      return (await waitFor(probe, { what: `the output ${text}`, timeoutMs })).found;
    },
    send: (text) => pty.write(text),
    resize: (width, height) => pty.resize(width, height),
    output,
    exited,
    async [Symbol.asyncDispose]() {
      if (!gone) pty.kill("SIGKILL");
      await exited;
    },
  };
}
