import { accessSync, constants, globSync, mkdirSync, symlinkSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

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

/**
 * Fills a folder with links to a filesystem mirror of providers, for both engines' public registries: a mirror that
 * `terraform providers mirror` made has Terraform's only.
 */
export function linkMirror(mirror: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const from = join(mirror, "registry.terraform.io");
  // Links are followed at the last level only.
  for (const path of globSync("*/*/*/*", { cwd: from })) {
    for (const host of ["registry.terraform.io", "registry.opentofu.org"]) {
      mkdirSync(join(folder, host, dirname(path)), { recursive: true });
      symlinkSync(join(from, path), join(folder, host, path));
    }
  }
}
