import { createHash } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { abortable, isFleetError } from "@fleet/base";
import { Diagnostic_Severity } from "@fleet/proto-gen/provisioner";
import {
  type EvaluatedParametersInit,
  type EvaluateRequest,
  type Reduction,
  readArchive,
  reduceConfiguration,
  writeEntries,
  writeReduction,
} from "@fleet/provisionersdk";
import { fromMessage, installationKey } from "../installations.js";
import type { TerraformOptions } from "../job.js";
import { createEvaluationFolders } from "./folders.js";
import { planReduced } from "./plan.js";
import { resultOf } from "./result.js";

/** Of the environment, all that the tool itself needs: a template's expressions can read files, like /proc/self/environ. */
const PASSED = ["PATH", "HOME", "TMPDIR", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR"];

type Evaluate = (request: EvaluateRequest) => Promise<EvaluatedParametersInit>;

/**
 * Evaluates parameters by a plan of the version's reduced configuration, without init, state, other providers or
 * provisioners. The reduced configuration is kept for the next evaluation.
 */
export function createEvaluator(options: TerraformOptions): Evaluate {
  const { tool, work, warden, logger } = options;
  const folders = createEvaluationFolders<Reduction>(work, options.isolation);
  const env = {
    ...Object.fromEntries(PASSED.flatMap((name) => (options.env[name] ? [[name, options.env[name]]] : []))),
    TF_IN_AUTOMATION: "1",
    TF_INPUT: "0",
    CHECKPOINT_DISABLE: "1",
    // Neither the machine's settings nor credentials for registries.
    TF_CLI_CONFIG_FILE: "/dev/null",
  };

  async function fill(folder: string, request: EvaluateRequest): Promise<Reduction> {
    const { source, archives } = request;
    await writeEntries(await readArchive(await source.read(), source.mimetype), folder);
    // A version has no state, and only modules that its import installed.
    await rm(join(folder, ".terraform"), { recursive: true, force: true });
    for (const name of await readdir(folder))
      if (/\.tfstate(\.|$)/.test(name)) await rm(join(folder, name), { recursive: true, force: true });
    const published = request.installation && fromMessage(request.installation, new Uint8Array());
    const installed =
      published?.engine === tool.name
        ? published
        : await options.installations.remembered(installationKey(source.sha256, tool.name, tool.version));
    if (installed)
      await options.installations.restore({ ...installed, providers: [] }, folder, {
        ...archives,
        offer: async () => ({ missing: [], refusal: "" }),
        upload: async () => {},
      });
    const reduction = await reduceConfiguration(folder);
    await writeReduction(folder, reduction);
    return reduction;
  }

  return async (request) => {
    const { source, installation, signal } = request;
    const key = createHash("sha256")
      .update(`${source.sha256} ${installation?.engine ?? ""} ${installation?.modules?.sha256 ?? ""}`)
      .digest("hex");
    try {
      using folder = await abortable(
        folders.open(key, (path) => fill(path, request)),
        signal,
      );
      const { boundary, path } = folder;
      const planned = await planReduced({ tool, env, boundary, warden, logger }, path, request);
      return resultOf(planned, request, folder.content.missing);
    } catch (error) {
      if (signal.aborted || !isFleetError(error, "invalid_argument", "failed_precondition")) throw error;
      return {
        diagnostics: [
          { severity: Diagnostic_Severity.ERROR, summary: error.message, detail: error.detail ?? "" },
        ],
      };
    }
  };
}
