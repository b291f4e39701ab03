import { type Clock, errorMessage, type Logger } from "@fleet/base";
import type { Action } from "@fleet/rbac";
import type { Audit, PlatformAct } from "../audit/service.js";
import type { Actor } from "../auth/actor.js";
import { requireUser } from "../auth/authorizer.js";
import type { Transaction } from "../database/transaction.js";
import { BadRollout, RolloutInProgress, RolloutNotFound, RolloutNotPossible } from "./errors.js";
import type { RolloutMetrics } from "./metrics.js";
import { isOpen, judge, next, type Outcomes, percentOf, type RolloutEvent, type Verdict } from "./status.js";
import type { FailedWorkspace, RolloutRow, RolloutStore } from "./store.js";

export type StartRollout = {
  versionId: string;
  /** Percent of the workspaces, ascending. */
  steps: readonly number[];
  /** Undefined for the default, like the others below. */
  pauseMs: number | undefined;
  maxFailurePercent: number | undefined;
  minSamples: number | undefined;
};

/** How the workspaces fare that took the version. */
export type RolloutProgress = {
  row: RolloutRow;
  workspaces: number;
  share: number;
  outcomes: Outcomes;
  /** Why the next step does not begin although it is due; empty otherwise. */
  waiting: string;
  failures: FailedWorkspace[];
};

/**
 * Rollouts: the promotion of a version to a growing share of its template's workspaces. A rollout builds nothing: it
 * changes which version is active for a workspace (predicates.ts), and with it what the workspace is started with next.
 * It stops by itself if too many of the workspaces that took the version fail; then the former version is active again.
 */
export type Rollouts = {
  /** @throws BadRollout; RolloutInProgress if another one would have to be aborted first. */
  start(actor: Actor, templateId: string, request: StartRollout): Promise<RolloutRow>;
  /** The template's latest rollouts, latest first. */
  list(actor: Actor, templateId: string): Promise<RolloutRow[]>;
  /** @throws RolloutNotFound. */
  get(actor: Actor, templateId: string, id: string): Promise<RolloutProgress>;
  /** @throws RolloutNotFound, RolloutNotPossible. */
  change(
    actor: Actor,
    templateId: string,
    id: string,
    event: "pause" | "resume" | "abort" | "finish",
  ): Promise<RolloutRow>;
  /** Stops what fails and takes the steps that are due. Any number of replicas may run it at the same time. */
  carryOn(): Promise<void>;
};

/** How often the rollouts are looked at. */
export const ROLLOUTS_MS = 10_000;
const PAUSE_MS = 30 * 60_000;
const MAX_FAILURE_PERCENT = 20;
const MIN_SAMPLES = 3;
const LISTED = 50;
const SHOWN_FAILURES = 10;

/** A verdict that changed the rollout. */
type Taken = Exclude<Verdict, { act: "none" } | { act: "wait" }> | typeof PROMOTED;
const PROMOTED = { act: "supersede", reason: "Another version was promoted." } as const;

export type RolloutsOptions = {
  store: RolloutStore;
  /** Throws if the template does not exist or the actor may not do this with it. */
  requireTemplate(actor: Actor, action: Action, templateId: string): Promise<unknown>;
  audit: Audit;
  metrics: RolloutMetrics;
  clock: Clock;
  logger: Logger;
};

export function createRollouts(options: RolloutsOptions): Rollouts {
  const { store, requireTemplate, audit, metrics, clock, logger } = options;

  async function find(tx: Transaction, templateId: string, id: string): Promise<RolloutRow> {
    const row = await store.find(tx, templateId, id);
    if (!row) throw new RolloutNotFound();
    return row;
  }

  /** Runs while nothing else changes the template's rollouts, its active version, or what is archived. */
  function locked<T>(
    templateId: string,
    work: (tx: Transaction, template: { activeVersionId: string }) => Promise<T>,
  ): Promise<T> {
    return store.transaction(async (tx) => {
      const template = await store.lockTemplate(tx, templateId);
      if (!template) throw new RolloutNotFound();
      return work(tx, template);
    });
  }

  /** Carries out an event whose state allows it. */
  async function apply(tx: Transaction, row: RolloutRow, event: RolloutEvent, reason: string): Promise<void> {
    const status = next(row.status, event);
    if (!status) throw new RolloutNotPossible(event, row.status);
    const now = clock.now();
    if (event === "finish") await store.setActiveVersion(tx, row.templateId, row.versionId);
    const again = event === "resume" ? { stepStartedAt: now } : {};
    const anew = event === "resume" && row.status === "stopped" ? { countedFrom: now } : {};
    const ends = event === "finish" || event === "abort" || event === "supersede" ? { endedAt: now } : {};
    await store.update(tx, row.id, { status, reason, ...again, ...anew, ...ends });
  }

  /** Decides under the lock, so that no step is taken twice. */
  async function takeStep(
    id: string,
    templateId: string,
  ): Promise<{ verdict: Taken; acts: PlatformAct[] } | undefined> {
    const before = await audit.before("template_rollout", { id });
    const templateBefore = await audit.before("template", { id: templateId });
    return store.transaction(async (tx) => {
      const template = await store.lockTemplate(tx, templateId);
      const row = template && (await store.find(tx, templateId, id));
      if (!row) return undefined;
      const now = clock.now();
      const [outcomes, { share }] = [await store.outcomes(tx, row, now), await store.share(tx, id)];
      // A replica of the former release promotes a version without ending rollouts.
      const promoted = isOpen(row.status) && template.activeVersionId !== row.formerVersionId;
      const verdict = promoted ? PROMOTED : judge(row, outcomes, share, now);
      if (verdict.act === "none" || verdict.act === "wait") return undefined;
      if (verdict.act === "advance") await store.update(tx, id, { step: row.step + 1, stepStartedAt: now });
      else await apply(tx, row, verdict.act, "reason" in verdict ? verdict.reason : "");
      const by = { userId: row.initiatorId, action: "write" } as const;
      const acts: PlatformAct[] = [{ ...by, type: "template_rollout", id, before }];
      if (verdict.act === "finish")
        acts.push({ ...by, type: "template", id: templateId, before: templateBefore });
      return { verdict, acts };
    });
  }

  function tell(verdict: Taken, facts: { rolloutId: string; templateId: string }): void {
    metrics.took(verdict.act);
    if (verdict.act === "stop") logger.warn("rollout stopped", { ...facts, reason: verdict.reason });
    else logger.info("rollout continued", { ...facts, action: verdict.act });
  }

  return {
    async start(actor, templateId, request) {
      const { userId: initiatorId } = requireUser(actor);
      await requireTemplate(actor, "update", templateId);
      const { versionId } = request;
      const steps = checkSteps(request.steps);
      return locked(templateId, async (tx, { activeVersionId }) => {
        const version = await store.version(tx, templateId, versionId);
        checkVersion(version, activeVersionId);
        const open = await store.open(tx, templateId);
        if (open) {
          const why = whyNotReplaced(open, versionId, steps[0]!);
          if (why) throw new RolloutInProgress(open.versionName, why);
          await apply(tx, open, "supersede", "Another rollout of the version replaced it.");
        }
        const {
          pauseMs = PAUSE_MS,
          maxFailurePercent = MAX_FAILURE_PERCENT,
          minSamples = MIN_SAMPLES,
        } = request;
        const rollout = {
          templateId,
          formerVersionId: activeVersionId,
          versionId,
          initiatorId,
          steps,
          pauseMs,
          maxFailurePercent,
          minSamples,
        };
        return find(tx, templateId, await store.insert(tx, rollout, clock.now()));
      });
    },

    async list(actor, templateId) {
      await requireTemplate(actor, "read", templateId);
      return store.list(templateId, LISTED);
    },

    async get(actor, templateId, id) {
      await requireTemplate(actor, "update", templateId);
      const now = clock.now();
      const progress = await store.transaction(async (tx) => {
        const row = await find(tx, templateId, id);
        return { row, ...(await store.share(tx, id)), outcomes: await store.outcomes(tx, row, now) };
      });
      const { row, outcomes, share } = progress;
      const verdict = judge(row, outcomes, share, now);
      return {
        ...progress,
        waiting: verdict.act === "wait" ? verdict.why : "",
        failures: await store.failures(row, now, SHOWN_FAILURES),
      };
    },

    async change(actor, templateId, id, event) {
      await requireTemplate(actor, "update", templateId);
      return locked(templateId, async (tx) => {
        await apply(tx, await find(tx, templateId, id), event, "");
        return find(tx, templateId, id);
      });
    },

    async carryOn() {
      for (const { id, templateId } of await store.going()) {
        try {
          let taken: Taken | undefined;
          await audit.byItself(async () => {
            const step = await takeStep(id, templateId);
            taken = step?.verdict;
            return step?.acts ?? [];
          });
          if (taken) tell(taken, { rolloutId: id, templateId });
        } catch (error) {
          logger.warn("could not continue a rollout; retrying", {
            rolloutId: id,
            error: errorMessage(error),
          });
        }
      }
    },
  };
}

function checkSteps(steps: readonly number[]): number[] {
  if (steps.length === 0) throw new BadRollout("steps", "Name at least one step, in percent.");
  const ascends = steps.every((step, at) => at === 0 || step > steps[at - 1]!);
  if (!ascends) throw new BadRollout("steps", "Each step must be larger than the one before.");
  return [...steps];
}

function checkVersion(
  version: { id: string; archived: boolean; imported: boolean } | undefined,
  activeVersionId: string,
): void {
  const field = "template_version_id";
  if (!version) throw new BadRollout(field, "This version does not belong to the template.");
  if (version.archived) throw new BadRollout(field, "The version is archived. Unarchive it first.");
  if (!version.imported)
    throw new BadRollout(field, "Only a version whose import succeeded can be promoted.");
  if (version.id === activeVersionId)
    throw new BadRollout(field, "The version is already the template's active version.");
}

/** Why another rollout cannot take this one's place: no workspace may lose the version by it. */
function whyNotReplaced(open: RolloutRow, versionId: string, percent: number): string | undefined {
  if (open.versionId !== versionId) return "only one version can be rolled out at a time";
  if (open.status === "stopped") return "it stopped because too many workspaces failed";
  if (percent < percentOf(open)) return `its share of ${percentOf(open)}% cannot become smaller`;
  return undefined;
}
