import { FleetError } from "@fleet/base";
import { JobLost } from "../provisionerjobs/errors.js";
import type { JobStore } from "../provisionerjobs/store.js";
import { DataLossNotAccepted, losesData, type PlannedResource } from "./data-loss.js";
import type { DataLossStore } from "./data-loss-store.js";
import type { Quota, Quotas } from "./quota-store.js";

/** Decides whether a running job may begin to change resources. */
export type ApplyGate = {
  /**
   * Charges the job's cost and records that it begins to apply: from then on it is never run again by itself (ADR 14).
   * Can be repeated. The job must not apply unless the result is `ok`.
   * @throws JobLost if the daemon does not have the job, and a `failed_precondition` that says why it must not apply.
   */
  pass(request: {
    jobId: string;
    daemonId: string;
    dailyCost: number;
    /** What the build would change, if its job wanted the plan. */
    plan?: PlannedPart | undefined;
  }): Promise<Quota>;
};

/** The changes of a plan; those beyond its limits are missing. */
export type PlannedPart = { changes: PlannedResource[]; truncated: boolean };

export type ApplyGateOptions = {
  quotas: Quotas;
  dataLoss: Pick<DataLossStore, "rule" | "persistence">;
  jobs: Pick<JobStore, "beginApply" | "database">;
};

export function createApplyGate({ quotas, dataLoss, jobs }: ApplyGateOptions): ApplyGate {
  /** The plan is judged here again: since a user saw a preview, anything may have changed. */
  async function requireNoLoss(jobId: string, plan: PlannedPart | undefined): Promise<void> {
    const rule = await dataLoss.rule(jobId);
    if (!rule || rule.policy === "off" || rule.accepted || rule.transition === "delete") return;
    if (!plan || plan.truncated) {
      throw new FleetError(
        "failed_precondition",
        plan
          ? "The plan is too large to tell whether this build would lose data. Nothing was changed. To run it all the same, use --accept-data-loss."
          : "The provisioner did not send its plan, so nothing can tell whether this build would lose data. Upgrade the provisioner, or try again if the template's policy has just been changed.",
      );
    }
    const persistence = await dataLoss.persistence(rule.workspaceId, jobId);
    const losses = plan.changes.filter((change) => losesData(change, persistence));
    if (losses.length === 0) return;
    throw new DataLossNotAccepted(
      losses.map(({ address, actions, reasons }) => ({
        address,
        reasons,
        replaced: actions.includes("create"),
      })),
      rule.policy,
    );
  }

  return {
    async pass({ jobId, daemonId, dailyCost, plan }) {
      await requireNoLoss(jobId, plan);
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
