import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, chmod, constants, mkdir, rename, writeFile } from "node:fs/promises";
import { basename, delimiter, isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import { errorMessage, FleetError, type Logger } from "@fleet/base";
import { unzipSync } from "fflate";
import semver from "semver";
import { jsonDocument } from "./lines.js";
import { OLDEST, RELEASE } from "./release.js";

const run = promisify(execFile);
const DOWNLOAD_TIMEOUT_MS = 5 * 60_000;
const HOW = "Install Terraform or OpenTofu, or set CODER_TERRAFORM_PATH to its executable.";

/** The program that runs templates: terraform or OpenTofu. */
export type TerraformTool = { name: "terraform" | "opentofu"; path: string; version: string };

export type FindToolOptions = {
  /** CODER_TERRAFORM_PATH: if set, no other program is used. */
  configured: string | undefined;
  searchPath: string;
  cacheDirectory: string;
  logger: Logger;
  fetch?: typeof fetch;
};

/**
 * Finds the configured program, otherwise `terraform` or `tofu` in PATH, otherwise the pinned release, downloaded once
 * into the cache and verified. Throws `failed_precondition` with a message that says what to do.
 */
export async function findTool(options: FindToolOptions): Promise<TerraformTool> {
  const { configured, searchPath, cacheDirectory, logger } = options;
  if (configured) return probe(configured);
  const cached = join(cacheDirectory, "terraform", RELEASE.version, "terraform");
  const folders = searchPath.split(delimiter).filter(isAbsolute);
  const candidates = ["terraform", "tofu"].flatMap((name) => folders.map((folder) => join(folder, name)));
  for (const path of [...candidates, cached]) {
    if (!(await isExecutable(path))) continue;
    try {
      return await probe(path);
    } catch (error) {
      logger.warn("The Terraform executable on PATH cannot be used.", { path, error: errorMessage(error) });
    }
  }
  logger.info("No Terraform executable found on PATH; downloading the pinned release.", {
    version: RELEASE.version,
  });
  await download(cached, options.fetch ?? fetch);
  return probe(cached);
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function probe(path: string): Promise<TerraformTool> {
  let version: string;
  try {
    const { stdout } = await run(path, ["version", "-json"], {
      timeout: 30_000,
      env: { CHECKPOINT_DISABLE: "1" },
    });
    version = (JSON.parse(jsonDocument(stdout)) as { terraform_version: string }).terraform_version;
  } catch (cause) {
    throw new FleetError("failed_precondition", `Could not run ${path} as Terraform. ${HOW}`, { cause });
  }
  if (semver.lt(semver.coerce(version) ?? "0.0.0", OLDEST)) {
    throw new FleetError(
      "failed_precondition",
      `${path} is version ${version}, but ${OLDEST} or later is required. ${HOW}`,
    );
  }
  return { name: basename(path) === "tofu" ? "opentofu" : "terraform", path, version };
}

async function download(target: string, fetchUrl: typeof fetch): Promise<void> {
  const { version } = RELEASE;
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  const platform = `${process.platform}_${arch}`;
  const expected = RELEASE.sha256[platform];
  if (!expected)
    throw new FleetError("failed_precondition", `No Terraform release is available for ${platform}. ${HOW}`);
  const url = `https://releases.hashicorp.com/terraform/${version}/terraform_${version}_${platform}.zip`;
  let zip: Uint8Array;
  try {
    const response = await fetchUrl(url, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    zip = await response.bytes();
  } catch (cause) {
    throw new FleetError(
      "failed_precondition",
      `Terraform was not found on PATH, and ${url} could not be downloaded. ${HOW}`,
      { cause },
    );
  }
  if (createHash("sha256").update(zip).digest("hex") !== expected) {
    throw new FleetError(
      "failed_precondition",
      `The checksum of ${url} does not match the pinned Terraform release. ${HOW}`,
    );
  }
  const binary = unzipSync(zip, { filter: (file) => file.name === "terraform" }).terraform;
  if (!binary)
    throw new FleetError("failed_precondition", `${url} does not contain a Terraform executable. ${HOW}`);
  await mkdir(join(target, ".."), { recursive: true, mode: 0o700 });
  const partial = `${target}.${process.pid}`;
  await writeFile(partial, binary);
  await chmod(partial, 0o755);
  await rename(partial, target);
}
