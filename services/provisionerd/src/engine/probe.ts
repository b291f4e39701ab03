import { execFile } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { FleetError } from "@fleet/base";
import { ENGINES, type Engine, type EngineName } from "./engine.js";

const TIMEOUT_MS = 30_000;

/**
 * Runs the program's `version` command. Its text, rather than its JSON, says which engine it is. Warnings about the CLI
 * configuration may stand before it. Throws `failed_precondition` if it is neither engine.
 */
export async function probe(path: string, env: Readonly<Record<string, string>>): Promise<Engine> {
  const { output, cause } = await versionOf(path, env);
  const [, title, version] =
    /^(Terraform|OpenTofu) v(\d+\.\d+\.\d+\S*)\s*$/m.exec(stripVTControlCharacters(output)) ?? [];
  const name = (Object.keys(ENGINES) as EngineName[]).find((each) => ENGINES[each].title === title);
  if (!name || !version) {
    throw new FleetError("failed_precondition", `Could not run ${path} as Terraform or OpenTofu.`, { cause });
  }
  return { name, path, version };
}

function versionOf(
  path: string,
  env: Readonly<Record<string, string>>,
): Promise<{ output: string; cause?: unknown }> {
  return new Promise((resolve) => {
    execFile(path, ["version"], { timeout: TIMEOUT_MS, env }, (error, stdout) =>
      resolve({ output: error ? "" : stdout, cause: error }),
    );
  });
}
