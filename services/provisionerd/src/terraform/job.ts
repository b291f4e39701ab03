import type { Clock, Logger } from "@fleet/base";
import type { SessionRequest } from "@fleet/provisionersdk";
import type { Engine } from "../engine/engine.js";
import type { Isolation, JobIsolation, JobPlace } from "../isolation/isolation.js";
import type { JobLimits, JobWatch } from "../isolation/limits.js";
import type { Installations, Installed } from "./installations.js";
import type { ProviderPackages } from "./packages.js";
import type { Warden } from "./warden.js";
import type { WorkFolders } from "./workdir.js";

/** Options shared by all terraform jobs of a daemon. */
export type TerraformOptions = {
  tool: Engine;
  work: WorkFolders;
  packages: ProviderPackages;
  installations: Installations;
  /** Whether a template gets the version of the coder provider that it pins, instead of the hosted one. */
  honorsPins: boolean;
  warden: Warden;
  isolation: Isolation;
  limits: JobLimits;
  /** terraform's part of the daemon's environment, see terraformEnvironment. */
  env: Readonly<Record<string, string>>;
  clock: Clock;
  logger: Logger;
};

/** What each phase of one job works with. */
export type TerraformJob = TerraformOptions &
  JobPlace & {
    request: SessionRequest;
    /** What separates its commands from everything else. */
    boundary: JobIsolation;
    watch: JobWatch;
    /** The coder provider is installed and started by the engine, because the template pins another version. */
    launchesProvider: boolean;
    /** What `init` installed, or why it cannot be kept; undefined if it did not run. */
    installed?: Installed | { problem: string } | undefined;
    /** Warnings already in the job's log. */
    told: Set<string>;
  };

/** terraform's name for the state file in its working folder. */
export const STATE_FILE = "terraform.tfstate";
export const PLAN_FILE = ".fleet.tfplan";
