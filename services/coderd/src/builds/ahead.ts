import type { Transaction } from "../database/transaction.js";
import { EvaluationNeeded, withEvaluations } from "../evaluations/needed.js";
import type { Evaluations } from "../evaluations/service.js";
import type { ExternalAuth } from "../externalauth/service.js";
import type { BuildPlanner, PlanRequest } from "./plan.js";
import type { BuildStore, LockedWorkspace } from "./store.js";

/**
 * Evaluates what a start will need, and refreshes the tokens for it, before its transaction begins: no connection to Postgres is held while a provisioner
 * works. What is wrong with the request is left to the transaction to find. Throws what evaluating throws.
 */
export type PlanAhead = {
  /** Of a workspace that exists; nothing if it does not. `allow` refuses those who may not build it. */
  existing(id: string, request: PlanRequest, allow: (workspace: LockedWorkspace) => void): Promise<void>;
  /** Of one that is about to be created. */
  created(workspace: NewWorkspace, request: PlanRequest): Promise<void>;
};

type NewWorkspace = Pick<
  LockedWorkspace,
  | "id"
  | "name"
  | "ownerId"
  | "organizationId"
  | "templateId"
  | "activeVersionId"
  | "requireActiveVersion"
  | "automaticUpdates"
>;

export function createPlanAhead(options: {
  /** Outside of any unit of work. */
  database: Transaction;
  store: BuildStore;
  plan: BuildPlanner;
  evaluations: Evaluations;
  externalAuth: Pick<ExternalAuth, "providers" | "freshen">;
}): PlanAhead {
  const { database, store, plan, evaluations, externalAuth } = options;

  /** Refreshes the owner's tokens for the version that will be built, as far as that can be told ahead. */
  async function freshen(workspace: LockedWorkspace, { versionId }: PlanRequest): Promise<void> {
    if (externalAuth.providers.length === 0) return;
    const id = versionId ?? workspace.latestVersionId ?? workspace.activeVersionId;
    const version = await store.version(database, id);
    if (version) await externalAuth.freshen(workspace.ownerId, version.externalAuth);
  }

  function ahead(workspace: LockedWorkspace, request: PlanRequest): Promise<void> {
    return withEvaluations(evaluations, async (evaluated) => {
      try {
        await plan(database, workspace, request, true, evaluated);
      } catch (error) {
        if (error instanceof EvaluationNeeded) throw error;
      }
    });
  }

  return {
    async existing(id, request, allow) {
      if (request.transition !== "start") return;
      const workspace = await store.read(database, id);
      if (!workspace || !(workspace.mayBeDynamic || externalAuth.providers.length > 0)) return;
      allow(workspace);
      await freshen(workspace, request);
      if (workspace.mayBeDynamic) await ahead(workspace, request);
    },
    async created(workspace, request) {
      const whole = { ...NEVER_BUILT, ...workspace };
      await freshen(whole, request);
      await ahead(whole, request);
    },
  };
}

const NEVER_BUILT = {
  deleted: false,
  dataLossPolicy: "off",
  wakeOn: [],
  dormantAt: null,
  userAcl: null,
  groupAcl: null,
  templateUserAcl: null,
  templateGroupAcl: null,
  latestBuildId: null,
  latestBuildNumber: null,
  latestVersionId: null,
  latestWithdrawn: false,
  latestPresetId: null,
  latestTransition: null,
  latestTags: null,
  latestStatus: null,
  latestSince: null,
  latestInitiator: null,
  latestDeadline: null,
  latestMaxDeadline: null,
  latestDailyCost: null,
  latestClaims: false,
  restarting: false,
  hasState: false,
  mayBeDynamic: true,
} satisfies Partial<LockedWorkspace>;
