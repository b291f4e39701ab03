import { type Clock, errorMessage, inParallel, isFleetError, type Logger } from "@fleet/base";
import type { Audit, PlatformAct } from "../audit/service.js";
import type { Builds } from "../builds/service.js";
import type { BuildRequest, LockedScope } from "../builds/writer.js";
import type { Notifier } from "../notifications/notifier.js";
import { nextStart } from "../schedules/autostart.js";
import { notifyOfDormancy } from "./events.js";
import type { DueWorkspace, LifecycleStore } from "./lifecycle-store.js";

export type LifecycleOptions = {
  store: LifecycleStore;
  builds: Builds;
  audit: Audit;
  notifier: Notifier;
  clock: Clock;
  logger: Logger;
};

export type LifecycleStep = { workspaceId: string; action: DueWorkspace["action"] };

/** Workspaces fetched per page and handled in parallel; each of the latter uses a Postgres connection. */
const PAGE = 200;
const PARALLEL = 4;
/** Pages per run; the next run handles the rest. */
const PAGES = 100;

const BUILDS = {
  start: { transition: "start", reason: "autostart", parameters: [], scheduled: true },
  stop: { transition: "stop", reason: "autostop", parameters: [], scheduled: true },
  dormant: { transition: "stop", reason: "dormancy", parameters: [], scheduled: true },
  delete: { transition: "delete", reason: "autodelete", parameters: [], scheduled: true },
} satisfies Record<DueWorkspace["action"], BuildRequest>;

/**
 * Runs all due scheduled actions: starts at the scheduled time, stops at the deadline or some time after a failed
 * build, makes unused workspaces dormant, and deletes dormant ones. Due actions are rechecked under the workspace's
 * lock, so a workspace that a user starts meanwhile is neither stopped nor made dormant. A failure in one workspace
 * does not block the others.
 *
 * @returns the actions taken.
 */
export async function runLifecycle(options: LifecycleOptions): Promise<LifecycleStep[]> {
  const { store, clock, logger } = options;
  const steps: LifecycleStep[] = [];
  const seen: string[] = [];
  for (let page = 0; page < PAGES; page++) {
    const due = await store.due(clock.now(), seen, PAGE);
    await inParallel(due, PARALLEL, async ({ id, action }) => {
      // Handle each workspace at most once per run, whatever the outcome.
      seen.push(id);
      try {
        if (await act(id, action, options)) steps.push({ workspaceId: id, action });
      } catch (error) {
        const facts = { workspaceId: id, action, error: errorMessage(error) };
        // A concurrent request already started a build; anything still due is handled in a later run.
        if (isFleetError(error, "conflict"))
          logger.debug("scheduled workspace action skipped: the workspace has changed", facts);
        else logger.warn("scheduled workspace action failed", facts);
      }
    });
    if (due.length < PAGE) break;
  }
  return steps;
}

/** True if an action was taken. Actions are recorded in the audit log like those of users. */
async function act(
  id: string,
  action: DueWorkspace["action"],
  { store, builds, audit, notifier, clock }: LifecycleOptions,
): Promise<boolean> {
  let refused: unknown;
  const inWorkspace = () =>
    builds.inWorkspace(id, async (scope) => {
      const due = await store.dueOf(scope.tx, id, clock.now());
      if (due?.action !== action) return [];
      try {
        return await carryOut(due, scope, store, notifier, clock.now());
      } catch (error) {
        // A start that is not possible is skipped until its next scheduled time, which stays stored.
        if (action !== "start" || !isFleetError(error)) throw error;
        refused = error;
        return [];
      }
    });
  const before = action === "dormant" ? await audit.before("workspace", { id }) : undefined;
  const done = await audit.byItself(async () =>
    (await inWorkspace()).map((act) => (act.type === "workspace" ? { ...act, before } : act)),
  );
  if (refused) throw refused;
  return done;
}

async function carryOut(
  due: DueWorkspace,
  { tx, workspace, write }: LockedScope,
  store: LifecycleStore,
  notifier: Notifier,
  now: Date,
): Promise<PlatformAct[]> {
  const { id, ownerId: userId } = due;
  const acts: PlatformAct[] = [];
  if (due.action === "start") {
    const { autostartSchedule: schedule, autostartDays: days, nextStartAt } = due;
    await store.setNextStart(tx, due.id, schedule ? nextStart(schedule, days, now) : null);
    if (!due.mayStart || !isMoment(schedule, days, nextStartAt)) return [];
  }
  if (due.action === "dormant") {
    const deletingAt = due.deleteAfterMs > 0 ? new Date(now.getTime() + due.deleteAfterMs) : null;
    await store.setDormant(tx, due.id, now, deletingAt);
    await notifyOfDormancy(notifier, tx, { ...workspace, dormantAt: now, deletingAt }, undefined);
    // Dormant and stopped in one transaction: if coderd is killed, no dormant workspace is left running.
    acts.push({ userId, action: "write", type: "workspace", id, before: undefined });
    if (!due.running) return acts;
  }
  const build = BUILDS[due.action];
  const made = await write(userId, build, false);
  acts.push({ userId, action: build.transition, type: "workspace_build", id: made, before: undefined });
  return acts;
}

/** Whether the schedule has a start at that time, on the days that the template currently allows. */
function isMoment(schedule: string | null, days: readonly string[], moment: Date | null): boolean {
  if (!schedule || !moment) return false;
  return nextStart(schedule, days, new Date(moment.getTime() - 1))?.getTime() === moment.getTime();
}
