import type { Clock } from "@fleet/base";
import type { Transaction } from "../database/transaction.js";
import type { Evaluator } from "./cel/evaluator.js";
import type { EvaluationInput, Judgement } from "./cel/types.js";
import type { ApplicablePolicy, JudgeStore, NewPolicyResult, Subject } from "./judge-store.js";

/** A change of a plan, with its values except for those that are sensitive. */
export type JudgedChange = {
  address: string;
  moduleAddress: string;
  mode: string;
  type: string;
  name: string;
  provider: string;
  actions: string[];
  previousAddress: string;
  reasons: string[];
  /** JSON objects, or empty. */
  before: string;
  after: string;
  unknown: string[];
  sensitive: string[];
};

export type JudgedPlan = {
  changes: JudgedChange[];
  truncated: boolean;
  drift: { address: string; type: string; deleted: boolean }[];
};

export type JudgeRequest = {
  jobId: string;
  /** Undefined if the provisioner did not send it. */
  plan: JudgedPlan | undefined;
  /** Credits per day after the build. */
  dailyCost: number;
  /** Which changes lose data. Only called if the plan is judged or kept. */
  losses(plan: JudgedPlan): Promise<ReadonlySet<string>>;
};

/** How a policy judged a job. */
export type JudgedPolicy = Pick<ApplicablePolicy, "id" | "name" | "version" | "mode"> &
  Pick<Judgement, "outcome" | "message">;

export type Verdict = {
  policies: JudgedPolicy[];
  /** Those that stop the build. */
  denied: JudgedPolicy[];
  /** Those that its user is told of. */
  warned: JudgedPolicy[];
};

/** Judges plans by the policies that apply to them at that moment. */
export type Judge = {
  /**
   * @param keep keeps the plan for tests of policies even if no policy applies.
   * @throws unavailable or resource_exhausted if policies cannot be evaluated at the moment: it can be tried again.
   */
  judge(request: JudgeRequest, keep?: boolean): Promise<Verdict>;
  /** Stores the verdict's results as the job's. */
  record(tx: Transaction, jobId: string, verdict: Verdict): Promise<void>;
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
};

export function createJudge({
  store,
  evaluator,
  clock,
}: {
  store: JudgeStore;
  evaluator: Pick<Evaluator, "judge">;
  clock: Clock;
}): Judge {
  return {
    transaction: store.transaction,

    async judge({ jobId, plan, dailyCost, losses }, keep = false) {
      const subject = await store.subject(jobId);
      const policies = subject?.policies ?? [];
      if (!subject || (policies.length === 0 && !keep)) return { policies: [], denied: [], warned: [] };
      const input = inputOf(subject, plan, dailyCost, plan ? await losses(plan) : new Set());
      if (plan && !plan.truncated && subject.templateId) {
        await store.keepPlan({ jobId, templateId: subject.templateId, input }, clock.now());
      }
      const judgements = policies.length > 0 ? await evaluator.judge(policies, input) : [];
      const judged = policies.map(({ id, name, version, mode }, at) => {
        const { outcome, message } = trusted(judgements[at]!, plan);
        return { id, name, version, mode, outcome, message };
      });
      const found = (mode: string) =>
        judged.filter((policy) => policy.mode === mode && policy.outcome !== "passed");
      return { policies: judged, denied: found("deny"), warned: found("warn") };
    },

    async record(tx, jobId, { policies }) {
      const results = policies.map(
        ({ id, version, outcome, message }): NewPolicyResult => ({
          policy_id: id,
          version,
          outcome,
          message,
        }),
      );
      await store.setResults(tx, jobId, results, clock.now());
    },
  };
}

/** What a policy says of a plan that is missing or incomplete means nothing. */
function trusted(judgement: Judgement, plan: JudgedPlan | undefined): Pick<Judgement, "outcome" | "message"> {
  if (!judgement.usesPlan || (plan && !plan.truncated)) return judgement;
  return {
    outcome: "error",
    message: plan
      ? "The plan is too large to be judged."
      : "The provisioner did not send its plan. Try again if the policy has just been added; otherwise, upgrade the provisioner.",
  };
}

/** What policies see of a job. docs/policy.md describes it. */
export function inputOf(
  subject: Subject,
  plan: JudgedPlan | undefined,
  dailyCost: number,
  losses: ReadonlySet<string>,
): EvaluationInput {
  const changes = (plan?.changes ?? []).map((change) => ({
    address: change.address,
    module: change.moduleAddress,
    mode: change.mode,
    type: change.type,
    name: change.name,
    provider: change.provider,
    action: actionOf(change.actions),
    previous_address: change.previousAddress,
    reasons: change.reasons,
    before: change.before,
    after: change.after,
    unknown: change.unknown,
    sensitive: change.sensitive,
    loses_data: losses.has(change.address),
  }));
  const count = (action: string) =>
    changes.filter((change) => change.mode === "managed" && change.action === action).length;
  return {
    plan: {
      add: count("create"),
      change: count("update"),
      replace: count("replace"),
      destroy: count("delete"),
      changes,
      drift: plan?.drift ?? [],
    },
    owner: {
      id: subject.ownerId,
      name: subject.ownerName,
      email: subject.ownerEmail,
      groups: subject.ownerGroups,
      roles: ["member", ...subject.ownerRoles],
      organization_roles: ["organization-member", ...subject.ownerOrganizationRoles],
      login_type: subject.ownerLoginType,
    },
    organization: { id: subject.organizationId, name: subject.organizationName },
    template: { id: subject.templateId ?? "", name: subject.templateName, version: subject.versionName },
    workspace: { id: subject.workspaceId ?? "", name: subject.workspaceName },
    build: { transition: subject.transition, reason: subject.reason, initiator: subject.initiatorName },
    parameters: Object.fromEntries((subject.parameters ?? []).map(({ name, value }) => [name, value])),
    cost: { before: subject.dailyCost, after: dailyCost },
  };
}

function actionOf(actions: readonly string[]): string {
  if (actions.includes("delete") && actions.includes("create")) return "replace";
  return actions[0] ?? "no-op";
}
