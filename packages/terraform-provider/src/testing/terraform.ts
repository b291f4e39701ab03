import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type TerraformResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Terraform in its own folder, with only PATH from the caller's environment. */
export type Terraform = AsyncDisposable & {
  write(name: string, text: string): Promise<void>;
  run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<TerraformResult>;
};

/** terraform, or another engine. */
const ENGINE = process.env.CODER_TEST_ENGINE ?? "terraform";
const OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024;

export async function createTerraform(): Promise<Terraform> {
  const folder = await mkdtemp(join(tmpdir(), "tf-"));
  return {
    write: (name, text) => writeFile(join(folder, name), text),
    run: (args, env) =>
      new Promise((resolve) => {
        const options = {
          cwd: folder,
          env: { PATH: process.env.PATH, CHECKPOINT_DISABLE: "1", ...env },
          maxBuffer: OUTPUT_LIMIT_BYTES,
        };
        execFile(ENGINE, args, options, (error, stdout, stderr) =>
          resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
        );
      }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

export function hasTerraform(): boolean {
  try {
    execFileSync(ENGINE, ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
