import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * The engine that runs templates in tests: the executable in CODER_TEST_ENGINE, otherwise terraform or tofu on PATH.
 * Undefined if there is none. Tests name it, so that they do not download a release when it is an old one.
 */
export function engineForTests(): string | undefined {
  const { CODER_TEST_ENGINE: chosen, PATH = "" } = process.env;
  if (chosen) return chosen;
  return ["terraform", "tofu"]
    .flatMap((program) => PATH.split(delimiter).map((folder) => join(folder, program)))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
