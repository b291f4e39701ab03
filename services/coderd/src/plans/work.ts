import { losesData, lossesOf, type PlannedResource } from "../builds/data-loss.js";
import type { DataLossStore } from "../builds/data-loss-store.js";
import type { OwnerCredentials } from "../builds/owner-credentials.js";
import type { BuildWork } from "../builds/work.js";
import type { BuildWorkStore } from "../builds/work-store.js";
import type { Judge, JudgedPlan, Verdict } from "../policies/judge.js";
import type { JobKind } from "../provisionerjobs/kind.js";
import type { PlanAction, PlanChanges, PlanStore } from "./store.js";

/** Everything a daemon needs to plan a build. */
export type PlanWork = { build: BuildWork; skipRefresh: boolean };

export type PlanResult = {
  plan: JudgedPlan;
  /** Credits per day after the build. */
  dailyCost: number;
  /** How policies judge it. */
  verdict?: Verdict;
};

export type PlanKindOptions = {
  store: PlanStore;
  builds: Pick<BuildWorkStore, "facts">;
  dataLoss: Pick<DataLossStore, "persistence">;
  judge: Judge;
  owners: OwnerCredentials;
};

/**
 * Plans of builds as a kind of job. A plan gets what its build would get, except for a session of the owner: issuing one
 * would end that of the running workspace.
 */
export function createPlanKind({
  store,
  builds,
  dataLoss,
  judge,
  owners,
}: PlanKindOptions): JobKind<PlanWork, PlanResult> {
  return {
    async describe(jobs) {
      const ids = jobs.map(({ id }) => id);
      const [facts, options] = await Promise.all([builds.facts(ids), store.options(ids)]);
      const works = await Promise.all(
        facts.map(async (fact): Promise<[string, PlanWork]> => {
          const secrets = { sessionToken: "", ...(await owners.of(fact)) };
          const build = { facts: fact, secrets, wantsPlan: false };
          return [fact.jobId, { build, skipRefresh: options.get(fact.jobId)?.skipRefresh ?? false }];
        }),
      );
      return new Map(works);
    },

    async prepare(jobId, result) {
      const planned = await store.planned(jobId);
      if (!planned) return result;
      const losses = async ({ changes }: JudgedPlan) => {
        const lost = lossesOf(changes, await dataLoss.persistence(planned.workspaceId, jobId));
        return new Set(lost.map(({ address }) => address));
      };
      const { plan, dailyCost } = result;
      return { ...result, verdict: await judge.judge({ jobId, plan, dailyCost, losses }, true) };
    },

    async complete(tx, results) {
      for (const { jobId, result } of results) {
        const plan = await store.planned(jobId, tx);
        if (!plan) continue;
        const persistence = await dataLoss.persistence(plan.workspaceId, jobId, tx);
        const changes = changesOf(result, (change) => losesData(change, persistence));
        await store.setResult(jobId, { ...changes, daily_cost_before: plan.dailyCost }, tx);
        if (result.verdict) await judge.record(tx, jobId, result.verdict);
      }
      return [];
    },

    // Why it failed is in the job.
    fail: async () => [],
  };
}

/** Changes for users: counted, without data sources and descriptions of resources, and what loses data first. */
function changesOf(
  { plan: { changes, truncated, drift }, dailyCost }: PlanResult,
  loses: (change: PlannedResource) => boolean,
): Omit<PlanChanges, "daily_cost_before"> {
  const shown = changes.flatMap((change) => {
    const shows = change.mode === "managed" && change.type !== "coder_metadata";
    const action = shows ? actionOf(change.actions) : undefined;
    if (!action) return [];
    const { address, type, reasons } = change;
    return [
      { address, type, action, reasons: action === "replace" ? reasons : [], loses_data: loses(change) },
    ];
  });
  shown.sort((a, b) => Number(b.loses_data) - Number(a.loses_data) || (a.address < b.address ? -1 : 1));
  const count = (action: PlanAction) => shown.filter((change) => change.action === action).length;
  return {
    add: count("add"),
    change: count("change"),
    replace: count("replace"),
    destroy: count("destroy"),
    changes: shown,
    // An agent's start script is computed again by every refresh.
    drift: drift.filter(({ type }) => !type.startsWith("coder_")),
    truncated,
    daily_cost: dailyCost,
  };
}

function actionOf(actions: readonly string[]): PlanAction | undefined {
  const [creates, deletes] = [actions.includes("create"), actions.includes("delete")];
  if (creates && deletes) return "replace";
  if (creates) return "add";
  if (deletes) return "destroy";
  if (actions.includes("update")) return "change";
  return actions.includes("forget") ? "forget" : undefined;
}
