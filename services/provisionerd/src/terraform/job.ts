import type { Clock, Logger } from "@fleet/base";
import type { SessionRequest } from "@fleet/provisionersdk";
import type { PreparedVersions } from "./prepared.js";
import type { TerraformTool } from "./tool.js";
import type { Warden } from "./warden.js";
import type { WorkFolders } from "./workdir.js";

/** What all terraform jobs of a daemon share. */
export type TerraformOptions = {
  tool: TerraformTool;
  work: WorkFolders;
  prepared: PreparedVersions;
  warden: Warden;
  /** What terraform gets of the daemon's environment, see terraformEnvironment. */
  env: Readonly<Record<string, string>>;
  clock: Clock;
  logger: Logger;
};

/** What each phase of one job works with. */
export type TerraformJob = TerraformOptions & {
  request: SessionRequest;
  /** The folder that terraform runs in. */
  folder: string;
  /** Warnings that the job's log has already. */
  told: Set<string>;
};

/** terraform's own name for the state in its working folder. */
export const STATE_FILE = "terraform.tfstate";
export const LOCK_FILE = ".terraform.lock.hcl";
export const PLAN_FILE = ".fleet.tfplan";
