import { FleetError } from "@fleet/base";
import { PolicyDenied, reasonOf } from "../policies/errors.js";
import type { Judge, JudgedPlan } from "../policies/judge.js";
import { JobLost } from "../provisionerjobs/errors.js";
import type { JobStore } from "../provisionerjobs/store.js";
import type { Quota, QuotaStore } from "../quotas/store.js";
import type { ClaimReplacements } from "./claim-replacements.js";
import { DataLossNotAccepted, lossesOf } from "./data-loss.js";
import type { DataLossRule, DataLossStore } from "./data-loss-store.js";

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
    plan?: JudgedPlan | undefined;
  }): Promise<Pass>;
};

/** The answer, with what the build's user is told. */
export type Pass = Quota & { ok: boolean; warnings: string[] };

export type ApplyGateOptions = {
  quotas: Pick<QuotaStore, "charge" | "transaction">;
  dataLoss: Pick<DataLossStore, "rule" | "persistence">;
  judge: Judge;
  claims: ClaimReplacements;
  jobs: Pick<JobStore, "beginApply" | "database" | "worker">;
};

export function createApplyGate({ quotas, dataLoss, judge, claims, jobs }: ApplyGateOptions): ApplyGate {
  type Request = Parameters<ApplyGate["pass"]>[0];

  /** The plan is judged here again: since a user saw a preview, anything may have changed. */
  async function requireNoLoss(rule: DataLossRule, { jobId, plan }: Request): Promise<void> {
    if (rule.policy === "off" || rule.accepted || rule.transition === "delete") return;
    if (!plan || plan.truncated) {
      throw new FleetError(
        "failed_precondition",
        plan
          ? "The plan is too large to tell whether this build would lose data. Nothing was changed. To run it all the same, use --accept-data-loss."
          : "The provisioner did not send its plan, so nothing can tell whether this build would lose data. Upgrade the provisioner, or try again if the template's policy has just been changed.",
      );
    }
    const losses = lossesOf(plan.changes, await dataLoss.persistence(rule.workspaceId, jobId));
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

  /** @throws PolicyDenied, after the results are stored for the build's user to read. */
  async function requireNotDenied({ workspaceId }: DataLossRule, request: Request) {
    const { jobId, daemonId, plan, dailyCost } = request;
    const verdict = await judge.judge({
      jobId,
      plan,
      dailyCost,
      async losses({ changes }) {
        const losses = lossesOf(changes, await dataLoss.persistence(workspaceId, jobId));
        return new Set(losses.map(({ address }) => address));
      },
    });
    if (verdict.denied.length > 0) {
      const job = await jobs.worker(jobId);
      if (job?.workerId !== daemonId || job.completedAt !== null) throw new JobLost(jobId);
      await judge.transaction((tx) => judge.record(tx, jobId, verdict));
      throw new PolicyDenied(verdict.denied);
    }
    return verdict;
  }

  return {
    async pass(request) {
      const { jobId, daemonId, dailyCost } = request;
      const rule = await dataLoss.rule(jobId);
      if (rule) await requireNoLoss(rule, request);
      const replaced = rule?.claims && request.plan ? await claims.replaced(jobId, request.plan) : [];
      const verdict = rule?.judged ? await requireNotDenied(rule, request) : undefined;
      const warnings = [...replaced, ...(verdict?.warned ?? []).map(reasonOf)];
      const begin = async (tx: Parameters<JobStore["beginApply"]>[0]) => {
        switch (await jobs.beginApply(tx, jobId, daemonId)) {
          case "begun":
            return;
          case "canceled":
            throw new FleetError("failed_precondition", "The job was canceled.");
          case "lost":
            throw new JobLost(jobId);
        }
      };
      if (!verdict && dailyCost === 0) {
        await begin(jobs.database);
        return { ok: true, consumed: 0, budget: 0, limited: false, warnings };
      }
      // What the build costs and what judged it are stored with its permission to apply, or not at all.
      return quotas.transaction(async (tx) => {
        const quota = await quotas.charge(tx, { jobId, daemonId, dailyCost });
        if (!quota.ok) return { ...quota, warnings };
        if (verdict) await judge.record(tx, jobId, verdict);
        await begin(tx);
        return { ...quota, warnings };
      });
    },
  };
}
