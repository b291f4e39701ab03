import { type Clock, errorMessage, inParallel, isFleetError, type Logger } from "@fleet/base";
import type { Audit, PlatformAct } from "../audit/service.js";
import type { Builds } from "../builds/service.js";
import type { BuildRequest, LockedScope } from "../builds/writer.js";
import { nextStart } from "../schedules/autostart.js";
import type { DueWorkspace, LifecycleStore } from "./lifecycle-store.js";

export type LifecycleOptions = {
  store: LifecycleStore;
  builds: Builds;
  audit: Audit;
  clock: Clock;
  logger: Logger;
};

export type LifecycleStep = { workspaceId: string; action: DueWorkspace["action"] };

/** Workspaces that are looked up at once, and handled at once: each of these holds a connection to Postgres. */
const PAGE = 200;
const PARALLEL = 4;
/** Pages of one run; what is left is due in the next. */
const PAGES = 100;

const BUILDS = {
  start: { transition: "start", reason: "autostart", parameters: [], scheduled: true },
  stop: { transition: "stop", reason: "autostop", parameters: [], scheduled: true },
  dormant: { transition: "stop", reason: "dormancy", parameters: [], scheduled: true },
  delete: { transition: "delete", reason: "autodelete", parameters: [], scheduled: true },
} satisfies Record<DueWorkspace["action"], BuildRequest>;

/**
 * Does what is due by schedule, until nothing is: starts at the scheduled time, stops at the deadline or some time after a
 * failed build, makes unused workspaces dormant, and deletes dormant ones. What is due is decided again under the
 * workspace's lock, so a workspace that somebody starts meanwhile is neither stopped nor dormant. One workspace's failure
 * never holds up the others.
 *
 * @returns what was done with which workspace.
 */
export async function runLifecycle(options: LifecycleOptions): Promise<LifecycleStep[]> {
  const { store, clock, logger } = options;
  const steps: LifecycleStep[] = [];
  const seen: string[] = [];
  for (let page = 0; page < PAGES; page++) {
    const due = await store.due(clock.now(), seen, PAGE);
    await inParallel(due, PARALLEL, async ({ id, action }) => {
      // Whatever comes of it: one turn in a run.
      seen.push(id);
      try {
        if (await act(id, action, options)) steps.push({ workspaceId: id, action });
      } catch (error) {
        const facts = { workspaceId: id, action, error: errorMessage(error) };
        // Whoever was quicker has a build under way: what is still due then comes up again.
        if (isFleetError(error, "conflict"))
          logger.debug("scheduled workspace action skipped: the workspace has changed", facts);
        else logger.warn("scheduled workspace action failed", facts);
      }
    });
    if (due.length < PAGE) break;
  }
  return steps;
}

/** True where something was done. It stands in the audit log, as what people do does. */
async function act(
  id: string,
  action: DueWorkspace["action"],
  { store, builds, audit, clock }: LifecycleOptions,
): Promise<boolean> {
  let refused: unknown;
  const inWorkspace = () =>
    builds.inWorkspace(id, async (scope) => {
      const due = await store.dueOf(scope.tx, id, clock.now());
      if (due?.action !== action) return [];
      try {
        return await carryOut(due, scope, store, clock.now());
      } catch (error) {
        // A start that cannot be is not tried again until its next time, which stays written.
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
  { tx, write }: LockedScope,
  store: LifecycleStore,
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
    // Dormant and stopped in one transaction: a coderd that is killed leaves nothing dormant that runs.
    acts.push({ userId, action: "write", type: "workspace", id, before: undefined });
    if (!due.running) return acts;
  }
  const build = BUILDS[due.action];
  const made = await write(userId, build, false);
  acts.push({ userId, action: build.transition, type: "workspace_build", id: made, before: undefined });
  return acts;
}

/** Whether the schedule, on the days that the template allows now, has a start at that moment. */
function isMoment(schedule: string | null, days: readonly string[], moment: Date | null): boolean {
  if (!schedule || !moment) return false;
  return nextStart(schedule, days, new Date(moment.getTime() - 1))?.getTime() === moment.getTime();
}
