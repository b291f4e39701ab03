import { spawn } from "node:child_process";

export type Ended = { code: number; stdout: string; stderr: string };

export type RunOptions = {
  input?: string;
  cwd?: string;
  env?: Record<string, string>;
  /** Prints the program's output while it runs. */
  show?: boolean;
};

/** Runs a program until it exits, with any status. Throws if it cannot be started. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      stdio: "pipe",
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const heard = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].on("data", (chunk: Buffer) => {
        heard[name] += chunk;
        if (options.show) process.stderr.write(chunk);
      });
    }
    child.once("error", fail);
    child.once("close", (code) => done({ code: code ?? -1, ...heard }));
    // The program may exit without reading all input.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
  });
}

/** Runs a program that must succeed; returns its output, or throws its error output. */
export async function succeed(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, options);
  if (code === 0) return stdout;
  throw new Error(
    `${command} ${args.join(" ")} ended with ${code}:\n${stderr.slice(-8_000)}${stdout.slice(-2_000)}`,
  );
}
