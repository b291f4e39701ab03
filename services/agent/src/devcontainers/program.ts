import { type ChildProcess, spawn } from "node:child_process";
import { errorMessage, FleetError } from "@fleet/base";
import { createLineSplitter } from "../scripts/lines.js";

export type ProgramOptions = {
  env: Record<string, string>;
  signal?: AbortSignal | undefined;
  onLine?(line: string): void;
};

const OUTPUT_LIMIT = 4 * 1024 * 1024;
const ERROR_LINES = 5;

/**
 * Runs a program to its end and returns its standard output; each line of its standard error goes to `onLine`.
 * @throws failed_precondition with the last lines of standard error.
 */
export function runProgram(
  file: string,
  args: readonly string[],
  { env, signal, onLine }: ProgramOptions,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(file, args, { env, signal, stdio: ["ignore", "pipe", "pipe"] });
  const last: string[] = [];
  const lines = createLineSplitter((line) => {
    onLine?.(line);
    last.push(line);
    if (last.length > ERROR_LINES) last.shift();
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    if (output.length < OUTPUT_LIMIT) output += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => lines.push(chunk));
  child.on("error", (error) => reject(notStarted(file, error)));
  child.on("close", (code, killedBy) => {
    lines.end();
    if (code === 0) return resolve(output);
    const how = killedBy ? `was ended by ${killedBy}` : `failed with exit code ${code}`;
    reject(new ProgramFailed(`\`${file} ${args[0]}\` ${how}.`, output, last.join("\n")));
  });
  return promise;
}

/** A program that has run, and failed. */
export class ProgramFailed extends FleetError {
  constructor(
    message: string,
    readonly output: string,
    readonly errors: string,
  ) {
    super("failed_precondition", message);
  }
}

function notStarted(file: string, error: unknown): FleetError {
  const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
  const hint = file === "devcontainer" ? " Install it with `npm install -g @devcontainers/cli`." : "";
  const reason = missing ? `\`${file}\` is not installed in this workspace.${hint}` : errorMessage(error);
  return new FleetError("failed_precondition", reason, { cause: error });
}

/** Starts a program that runs for long; its standard input stays open until it is killed. */
export function startProgram(
  file: string,
  args: readonly string[],
  env: Record<string, string>,
): ChildProcess {
  return spawn(file, args, { env, stdio: ["pipe", "ignore", "pipe"] });
}
