import { FleetError } from "@fleet/base";
import { JobLost } from "../provisionerjobs/errors.js";
import type { JobStore } from "../provisionerjobs/store.js";
import type { Quota, Quotas } from "./quota-store.js";

/** Decides whether a running job may begin to change resources. */
export type ApplyGate = {
  /**
   * Charges the job's cost and records that it begins to apply: from then on it is never run again by itself (ADR 14).
   * Can be repeated. The job must not apply unless the result is `ok`.
   * @throws JobLost if the daemon does not have the job, and a `failed_precondition` that says why it must not apply.
   */
  pass(request: { jobId: string; daemonId: string; dailyCost: number }): Promise<Quota>;
};

export type ApplyGateOptions = {
  quotas: Quotas;
  jobs: Pick<JobStore, "beginApply" | "database">;
};

export function createApplyGate({ quotas, jobs }: ApplyGateOptions): ApplyGate {
  return {
    async pass({ jobId, daemonId, dailyCost }) {
      const quota =
        dailyCost > 0
          ? await quotas.commit(jobId, daemonId, dailyCost)
          : { ok: true, consumed: 0, budget: 0 };
      if (!quota.ok) return quota;
      switch (await jobs.beginApply(jobs.database, jobId, daemonId)) {
        case "begun":
          return quota;
        case "canceled":
          throw new FleetError("failed_precondition", "The job was canceled.");
        case "lost":
          throw new JobLost(jobId);
      }
    },
  };
}
