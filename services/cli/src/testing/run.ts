import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { runCli } from "../cli.js";

/** Long enough for immediate answers. */
const PATIENCE_MS = 2_000;

export type Result = { status: number; stdout: string; stderr: string };

export type TestCli = AsyncDisposable & {
  /** The test's own configuration folder. */
  readonly folder: string;
  /** Runs a command in this process, without a terminal. */
  run(args: string[], input?: string | Buffer): Promise<Result>;
};

/** A CLI with its own configuration folder and home. */
export async function createTestCli(): Promise<TestCli> {
  const folder = await mkdtemp(join(tmpdir(), "coder-cli-"));
  return {
    folder,
    async run(args, input = "") {
      const stdout = new PassThrough();
      const stderr = new PassThrough();
      const [out, err] = [collect(stdout), collect(stderr)];
      const stdin = new PassThrough();
      stdin.end(input);
      const env = { HOME: folder, PATH: process.env.PATH };
      const status = await runCli(["--global-config", join(folder, "config"), ...args], {
        env,
        stdin,
        stdout,
        stderr,
        patienceMs: PATIENCE_MS,
      });
      return { status, stdout: out(), stderr: err() };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function collect(stream: PassThrough): () => string {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}
