import { randomUUID } from "node:crypto";
import type { Clock } from "@fleet/base";
import type { Action } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { accessOf } from "../auth/template-access.js";
import type { BuildTransition } from "../database/gen/enums.js";
import type { Organizations } from "../organizations/service.js";
import type { Evaluator } from "./cel/evaluator.js";
import { BadExpression, BadPolicy, PolicyNotFound, PolicyTemplateNotFound } from "./errors.js";
import type { JudgeStore, PolicyResultRow, RecordedPlan } from "./judge-store.js";
import type {
  PolicyContent,
  PolicyMode,
  PolicyRow,
  PolicyStore,
  PolicyTemplate,
  PolicyVersionRow,
} from "./store.js";

/** What a policy is created with. */
export type NewPolicyContent = {
  name: string;
  mode: PolicyMode;
  /** Defaults to starts. */
  transitions?: BuildTransition[] | undefined;
  expression: string;
  message: string;
  messageExpression?: string | undefined;
};

export type PolicyTestRequest = {
  organizationId: string | undefined;
  templateId: string | undefined;
  transitions: BuildTransition[] | undefined;
  expression: string;
  message: string | undefined;
  messageExpression?: string | undefined;
};

export type PolicyTestResult = Omit<RecordedPlan, "input"> & Pick<PolicyResultRow, "outcome" | "message">;

/** Where a policy belongs; neither: to the deployment. */
export type PolicyScope = { organization?: string; template?: string };

/** Policies: rules in CEL that judge what builds may change. */
export type Policies = {
  /** Those that the actor may read, of one organization or of all. */
  list(actor: Actor, organization?: string): Promise<PolicyRow[]>;
  /** Those that judge the template's builds. @throws PolicyTemplateNotFound. */
  listOfTemplate(actor: Actor, templateId: string): Promise<PolicyRow[]>;
  /** @throws PolicyNotFound. */
  get(actor: Actor, id: string): Promise<PolicyRow>;
  /** @throws BadPolicy, BadExpression, PolicyNameTaken, TooManyPolicies. */
  create(actor: Actor, scope: PolicyScope, policy: NewPolicyContent): Promise<PolicyRow>;
  /** Adds a version, unless nothing changes. @throws BadPolicy, BadExpression. */
  update(actor: Actor, id: string, change: Partial<Omit<NewPolicyContent, "name">>): Promise<PolicyRow>;
  delete(actor: Actor, id: string): Promise<void>;
  versions(actor: Actor, id: string): Promise<PolicyVersionRow[]>;
  /** Evaluates a policy that is not stored on the newest plans. @throws BadPolicy, BadExpression. */
  test(actor: Actor, request: PolicyTestRequest): Promise<PolicyTestResult[]>;
  /** How policies judged a job. The caller has checked that the actor may read it. */
  resultsOf(jobId: string): Promise<PolicyResultRow[]>;
  /** Deletes plans that are too old to try policies on. */
  forgetPlans(): Promise<void>;
};

const NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/i;
const NAME_LIMIT = 64;
const TESTED_PLANS = 20;
/** A test ends early: the plans that are left would take as long. */
const TEST_LIMIT_MS = 10_000;
const PLANS_KEPT_MS = 7 * 24 * 3_600_000;

export function createPolicies({
  store,
  judgeStore,
  evaluator,
  organizations,
  clock,
}: {
  store: PolicyStore;
  judgeStore: JudgeStore;
  evaluator: Evaluator;
  organizations: Organizations;
  clock: Clock;
}): Policies {
  const objectOf = ({ id, organizationId }: { id?: string; organizationId: string | null }) => ({
    ...(id && { id }),
    ...(organizationId && { orgId: organizationId }),
  });

  /** A policy of one template belongs to those who may update the template. */
  function may(actor: Actor, action: Action, policy: PolicyRow): boolean {
    const template = templateOf(policy);
    if (template && authorizer.can(actor, "update", accessOf(template))) return true;
    return (
      (!template || action === "read") &&
      authorizer.can(actor, action, { type: "policy", ...objectOf(policy) })
    );
  }

  async function require(actor: Actor, action: Action, id: string): Promise<PolicyRow> {
    const row = await store.find(id);
    if (!row) throw new PolicyNotFound();
    if (may(actor, action, row)) return row;
    const template = templateOf(row);
    // Whoever may read it is told what they lack.
    if (template && may(actor, "read", row)) {
      authorizer.require(actor, "update", { ...accessOf(template), type: "template" }, new PolicyNotFound());
    }
    authorizer.require(actor, action, { type: "policy", ...objectOf(row) }, new PolicyNotFound());
    return row;
  }

  async function requireTemplate(actor: Actor, id: string): Promise<PolicyTemplate> {
    const template = await store.template(id);
    if (!template) throw new PolicyTemplateNotFound();
    authorizer.require(actor, "update", accessOf(template), new PolicyTemplateNotFound());
    return template;
  }

  /** The ids of the scope, in which the actor may create policies. */
  async function requireScope(actor: Actor, { organization, template: templateId }: PolicyScope) {
    if (templateId !== undefined) {
      const template = await requireTemplate(actor, templateId);
      return { organizationId: template.organizationId, templateId: template.id };
    }
    const organizationId =
      organization === undefined ? null : (await organizations.require(actor, "read", organization)).id;
    authorizer.require(
      actor,
      "create",
      { type: "policy", ...objectOf({ organizationId }) },
      new PolicyNotFound(),
    );
    return { organizationId, templateId: null };
  }

  async function requireValid(content: PolicyContent): Promise<void> {
    if (content.transitions.length === 0) {
      throw new BadPolicy("transitions", "Name at least one of start, stop and delete.");
    }
    if (content.message.trim() === "") throw new BadPolicy("message", "Enter the message that users see.");
    const { fault } = await evaluator.check(content);
    if (fault) throw new BadExpression(fault);
  }

  const reread = async (id: string): Promise<PolicyRow> => {
    const row = await store.find(id);
    if (!row) throw new PolicyNotFound();
    return row;
  };

  return {
    async list(actor, organization) {
      const filter = organization && {
        organizationId: (await organizations.require(actor, "read", organization)).id,
      };
      const rows = await store.list(filter || {});
      const readable = new Set(authorizer.filter(actor, "read", "policy", rows, objectOf));
      return rows.filter((row) => readable.has(row) || may(actor, "read", row));
    },

    async listOfTemplate(actor, templateId) {
      return store.list({ judgesTemplate: await requireTemplate(actor, templateId) });
    },

    get: (actor, id) => require(actor, "read", id),

    async create(actor, scope, { name, ...given }) {
      const { userId } = requireUser(actor);
      const place = await requireScope(actor, scope);
      if (!NAME.test(name) || name.length > NAME_LIMIT) {
        throw new BadPolicy(
          "name",
          `The name must have at most ${NAME_LIMIT} letters, digits and single hyphens between them.`,
        );
      }
      const content = contentOf(given);
      await requireValid(content);
      const id = randomUUID();
      await store.insert({ id, name, authorId: userId, ...place, ...content }, clock.now());
      return reread(id);
    },

    async update(actor, id, change) {
      const { userId } = requireUser(actor);
      const row = await require(actor, "update", id);
      const changed = (current: PolicyContent) => contentOf({ ...current, ...given(change) });
      await requireValid(changed(row));
      if (!(await store.addVersion(id, changed, userId, clock.now()))) throw new PolicyNotFound();
      return reread(id);
    },

    async delete(actor, id) {
      await require(actor, "delete", id);
      await store.delete(id, clock.now());
    },

    async versions(actor, id) {
      await require(actor, "read", id);
      return store.versions(id);
    },

    async test(actor, { organizationId, templateId, message = "It violates the policy.", ...given }) {
      const place = await requireScope(actor, {
        ...(organizationId && { organization: organizationId }),
        ...(templateId && { template: templateId }),
      });
      const rule = contentOf({ ...given, message, mode: "dry" });
      await requireValid(rule);
      const scope = {
        organizationId: place.organizationId ?? undefined,
        templateId: place.templateId ?? undefined,
      };
      const plans = await judgeStore.recentPlans(scope, rule.transitions, TESTED_PLANS);
      const results: PolicyTestResult[] = [];
      const started = clock.now().getTime();
      for (const { input, ...plan } of plans) {
        if (clock.now().getTime() - started > TEST_LIMIT_MS) break;
        const [judged] = await evaluator.judge([rule], input);
        results.push({ ...plan, outcome: judged!.outcome, message: judged!.message });
      }
      return results;
    },

    resultsOf: async (jobId) => (await judgeStore.results([jobId])).get(jobId) ?? [],

    async forgetPlans() {
      await judgeStore.deletePlansBefore(new Date(clock.now().getTime() - PLANS_KEPT_MS));
    },
  };
}

function templateOf({ templateId, organizationId, templateUserAcl, templateGroupAcl }: PolicyRow) {
  if (templateId === null || organizationId === null) return undefined;
  return { id: templateId, organizationId, userAcl: templateUserAcl, groupAcl: templateGroupAcl };
}

function contentOf(given: Omit<NewPolicyContent, "name">): PolicyContent {
  const { mode, expression, message, messageExpression = "" } = given;
  const transitions = [...new Set(given.transitions ?? (["start"] as const))].sort();
  return { mode, transitions, expression, message, messageExpression };
}

/** Without the fields that are left out. */
function given<T extends object>(change: T): Partial<T> {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as Partial<T>;
}
