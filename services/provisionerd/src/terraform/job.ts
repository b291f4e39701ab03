import type { Clock, Logger } from "@fleet/base";
import type { SessionRequest } from "@fleet/provisionersdk";
import type { PreparedVersions } from "./prepared.js";
import type { TerraformTool } from "./tool.js";
import type { Warden } from "./warden.js";
import type { WorkFolders } from "./workdir.js";

/** Options shared by all terraform jobs of a daemon. */
export type TerraformOptions = {
  tool: TerraformTool;
  work: WorkFolders;
  prepared: PreparedVersions;
  warden: Warden;
  /** terraform's part of the daemon's environment, see terraformEnvironment. */
  env: Readonly<Record<string, string>>;
  clock: Clock;
  logger: Logger;
};

/** What each phase of one job works with. */
export type TerraformJob = TerraformOptions & {
  request: SessionRequest;
  /** terraform's working folder. */
  folder: string;
  /** Warnings already in the job's log. */
  told: Set<string>;
};

/** terraform's name for the state file in its working folder. */
export const STATE_FILE = "terraform.tfstate";
export const LOCK_FILE = ".terraform.lock.hcl";
export const PLAN_FILE = ".fleet.tfplan";
