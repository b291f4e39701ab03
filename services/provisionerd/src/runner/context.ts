import type { Clock } from "@fleet/base";
import type { Job } from "@fleet/proto-gen/provisioner";
import type { ProvisionerSession } from "@fleet/provisionersdk";
import type { CoderdClient } from "../coderd-client.js";
import type { Journal } from "../journal.js";
import type { Mask } from "./mask.js";
import type { JobStop } from "./stop.js";
import type { JobUpdates } from "./updates.js";

/** What each phase of a job works with. */
export type JobContext = {
  job: Job;
  daemonId: string;
  client: CoderdClient;
  session: ProvisionerSession;
  updates: JobUpdates;
  mask: Mask;
  stop: JobStop;
  journal: Journal;
  clock: Clock;
  /** Runs a phase of the job in a span and measures its duration. */
  phase<T>(name: string, work: () => Promise<T>): Promise<T>;
};
