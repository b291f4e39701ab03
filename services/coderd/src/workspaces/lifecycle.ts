import { type Clock, errorMessage, inParallel, isFleetError, type Logger } from "@fleet/base";
import type { Audit, PlatformAct } from "../audit/service.js";
import type { Builds } from "../builds/service.js";
import type { BuildRequest, LockedScope } from "../builds/writer.js";
import type { Notifier } from "../notifications/notifier.js";
import {
  afterAutostart,
  afterFailure,
  type Due,
  dueAction,
  type ScheduledAction,
  startAfter,
} from "../schedules/rules.js";
import { notifyOfDormancy, notifyOfRefusal, notifyOfStops } from "./events.js";
import type { Candidate, LifecycleStore, Passed } from "./lifecycle-store.js";

export type LifecycleOptions = {
  /** Workspaces per statement. */
  pageSize?: number;
  store: LifecycleStore;
  builds: Pick<Builds, "inWorkspace">;
  audit: Audit;
  notifier: Notifier;
  clock: Clock;
  logger: Logger;
};

export type LifecycleStep = { workspaceId: string; action: ScheduledAction };

type DueBuild = Exclude<Due, { action: "pass" }>;

const PAGE = 1_000;
/** Pages per run; the next run handles the rest. */
const PAGES = 100;
/** Builds that are created at a time; each uses a Postgres connection. */
const PARALLEL = 4;
/** How long before its stop the owner of a workspace is reminded. */
const REMIND_MS = 30 * 60_000;
/** Nobody is reminded of a stop that activity since then postpones. */
const USED_MS = 10 * 60_000;
/** How far this replica's clock may be from the database's. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

const TRANSITIONS = { start: "start", stop: "stop", dormant: "stop", delete: "delete" } as const;

/**
 * Runs all due scheduled actions: starts at the scheduled time, stops at the deadline or some time after a failed
 * build, makes unused workspaces dormant, and deletes dormant ones. Due actions are rechecked under the workspace's
 * lock, so a workspace that a user starts meanwhile is neither stopped nor made dormant. A failure in one workspace
 * does not block the others, and is retried after growing delays.
 *
 * @returns the actions taken.
 */
export async function runLifecycle(options: LifecycleOptions): Promise<LifecycleStep[]> {
  const { store, clock, logger, pageSize = PAGE } = options;
  const steps: LifecycleStep[] = [];
  const seen: string[] = [];
  for (let page = 0; page < PAGES; page++) {
    const now = clock.now();
    const candidates = await store.due(now, seen, pageSize);
    const due = candidates.flatMap((one) => {
      const what = dueAction(one, now);
      return what ? [{ one, what }] : [];
    });
    // Handle each workspace at most once per run, whatever the outcome.
    seen.push(...candidates.map(({ id }) => id));
    await store.pass(
      due.flatMap(({ one, what }) => (what.action === "pass" ? [passed(one, what.counts, now)] : [])),
    );
    const builds = due.flatMap(({ one, what }) => (what.action === "pass" ? [] : [{ one, what }]));
    await inParallel(builds, PARALLEL, async ({ one: { id }, what }) => {
      try {
        if (await act(id, what, options)) steps.push({ workspaceId: id, action: what.action });
      } catch (error) {
        const facts = { workspaceId: id, action: what.action, error: errorMessage(error) };
        // A concurrent request already started a build; anything still due is handled in a later run.
        if (isFleetError(error, "conflict"))
          return logger.debug("scheduled workspace action skipped: the workspace has changed", facts);
        logger.warn("scheduled workspace action failed", facts);
        const reason = isFleetError(error) ? error.message : "An internal error occurred. See coderd's log.";
        await refuse(id, what, reason, options);
      }
    });
    if (candidates.length < pageSize) break;
  }
  return steps;
}

/** Reminds owners of workspaces that stop soon. Returns how many. */
export async function remindOfStops({ store, notifier, clock }: LifecycleOptions): Promise<number> {
  let count = 0;
  for (let page = 0; page < PAGES; page++) {
    const now = clock.now();
    const at = (ms: number) => new Date(now.getTime() + ms);
    const times = { now, before: at(REMIND_MS), usedSince: at(-USED_MS) };
    const taken = await store.transaction(async (tx) => {
      const stopping = await store.takeStopping(tx, times, PAGE);
      await notifyOfStops(notifier, tx, stopping);
      return stopping.length;
    });
    count += taken;
    if (taken < PAGE) break;
  }
  return count;
}

/**
 * One round of the schedules. Does nothing while this replica's clock is wrong: it would stop, and finally delete, what
 * is not due.
 */
export async function keepSchedules(options: LifecycleOptions): Promise<void> {
  const { store, clock, logger } = options;
  const aheadMs = clock.now().getTime() - (await store.databaseTime()).getTime();
  if (Math.abs(aheadMs) > CLOCK_TOLERANCE_MS)
    return logger.error("schedules wait: the clock of this replica differs from the database's", { aheadMs });
  await runLifecycle(options);
  await remindOfStops(options);
}

/** True if an action was taken. Actions are recorded in the audit log like those of users. */
async function act(
  id: string,
  due: DueBuild,
  { store, builds, audit, notifier, clock }: LifecycleOptions,
): Promise<boolean> {
  const inWorkspace = () =>
    builds.inWorkspace(id, async (scope) => {
      const now = clock.now();
      const facts = await store.dueOf(scope.tx, id, now);
      const still = facts && dueAction(facts, now);
      if (still?.action !== due.action) return [];
      return carryOut(facts!, still as DueBuild, scope, store, notifier, now);
    });
  const before = due.action === "dormant" ? await audit.before("workspace", { id }) : undefined;
  return audit.byItself(async () =>
    (await inWorkspace()).map((act) => (act.type === "workspace" ? { ...act, before } : act)),
  );
}

async function carryOut(
  facts: Candidate,
  { action, reason }: DueBuild,
  { tx, workspace, write }: LockedScope,
  store: LifecycleStore,
  notifier: Notifier,
  now: Date,
): Promise<PlatformAct[]> {
  const { id, ownerId: userId } = facts;
  const acts: PlatformAct[] = [];
  if (action === "start") await store.setNextStart(tx, id, startAfter(facts, now));
  if (action === "dormant") {
    const deletingAt = facts.deleteAfterMs > 0 ? new Date(now.getTime() + facts.deleteAfterMs) : null;
    await store.setDormant(tx, id, now, deletingAt);
    await notifyOfDormancy(notifier, tx, { ...workspace, dormantAt: now, deletingAt }, undefined);
    // Dormant and stopped in one transaction: if coderd is killed, no dormant workspace is left running.
    acts.push({ userId, action: "write", type: "workspace", id, before: undefined });
    if (facts.transition !== "start" && facts.outcome === "succeeded") return acts;
  }
  const transition = TRANSITIONS[action];
  const build: BuildRequest = { transition, reason, parameters: [], scheduled: true };
  const made = await write(userId, build, false);
  acts.push({ userId, action: transition, type: "workspace_build", id: made, before: undefined });
  return acts;
}

/** Stores why a scheduled build could not be created and when it is retried, and tells the owner. */
async function refuse(
  id: string,
  { action, reason }: DueBuild,
  error: string,
  { store, builds, notifier, clock, logger }: LifecycleOptions,
): Promise<void> {
  try {
    await builds.inWorkspace(id, async ({ tx }) => {
      const now = clock.now();
      const facts = await store.dueOf(tx, id, now);
      if (!facts || dueAction(facts, now)?.action !== action) return;
      // The next scheduled time counts from now, as if the start had been created.
      const nextStartAt = action === "start" ? startAfter(facts, now) : facts.nextStartAt;
      const state = afterFailure({ ...facts, nextStartAt }, reason, error, now);
      await store.setState(tx, id, state);
      await notifyOfRefusal(notifier, tx, facts, { transition: TRANSITIONS[action], reason, error }, state);
    });
  } catch (cause) {
    logger.warn("could not store why a scheduled workspace action failed", {
      workspaceId: id,
      error: errorMessage(cause),
    });
  }
}

function passed(facts: Candidate, counts: boolean, now: Date): Passed {
  const { id, buildId, deadline } = facts;
  const nextStartAt = facts.nextStartAt!;
  return {
    id,
    nextStartAt,
    next: startAfter(facts, now),
    buildId,
    deadline,
    nextDeadline: counts && facts.transition === "start" ? afterAutostart(facts, nextStartAt) : deadline,
  };
}
