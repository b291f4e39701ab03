import { type Clock, errorMessage, isFleetError, type Logger } from "@fleet/base";
import type { Builds } from "../builds/service.js";
import type { BuildRequest } from "../builds/writer.js";
import type { DueWorkspace, LifecycleStore } from "./lifecycle-store.js";
import { nextStart } from "./schedule.js";

export type LifecycleOptions = {
  store: LifecycleStore;
  builds: Builds;
  clock: Clock;
  logger: Logger;
};

export type LifecycleStep = { workspaceId: string; action: DueWorkspace["action"] };

/**
 * Does what is due by itself: starts at the scheduled time, stops at the deadline or some time after a failed build,
 * makes unused workspaces dormant, and deletes dormant ones. One workspace's failure never holds up another's turn.
 *
 * @returns what was done with which workspace.
 */
export async function runLifecycle(options: LifecycleOptions): Promise<LifecycleStep[]> {
  const { store, clock, logger } = options;
  const steps: LifecycleStep[] = [];
  for (const due of await store.due(clock.now())) {
    try {
      if (await act(due, options)) steps.push({ workspaceId: due.id, action: due.action });
    } catch (error) {
      const facts = { workspaceId: due.id, action: due.action, error: errorMessage(error) };
      // Whoever was quicker has a build under way: what is still due then comes up again.
      if (isFleetError(error, "conflict")) logger.debug("a scheduled step was overtaken", facts);
      else logger.warn("a scheduled step failed", facts);
    }
  }
  return steps;
}

async function act(due: DueWorkspace, options: LifecycleOptions): Promise<boolean> {
  const { store, clock } = options;
  switch (due.action) {
    case "start": {
      // Set first: a start that cannot be is not tried again until its next time.
      const next = due.autostartSchedule
        ? nextStart(due.autostartSchedule, due.autostartDays, clock.now())
        : null;
      await store.setNextStart(due.id, next);
      return (
        due.mayStart && build(due, { transition: "start", reason: "autostart", parameters: [] }, options)
      );
    }
    case "stop":
      return build(due, { transition: "stop", reason: "autostop", parameters: [] }, options);
    case "dormant":
      return sleep(due, options);
    case "delete":
      return build(due, { transition: "delete", reason: "autodelete", parameters: [] }, options);
  }
}

/** Falls asleep and stops in one transaction: a coderd that is killed in between leaves nothing asleep that runs. */
async function sleep(due: DueWorkspace, { store, builds, clock }: LifecycleOptions): Promise<true> {
  const now = clock.now();
  const deletingAt = due.deleteAfterMs > 0 ? new Date(now.getTime() + due.deleteAfterMs) : null;
  await builds.inWorkspace(due.id, async ({ tx, write }) => {
    await store.setDormant(tx, due.id, now, deletingAt);
    if (!due.running) return;
    const request: BuildRequest = { transition: "stop", reason: "dormancy", parameters: [], scheduled: true };
    await write(due.ownerId, request, false);
  });
  return true;
}

async function build(due: DueWorkspace, request: BuildRequest, { builds }: LifecycleOptions): Promise<true> {
  await builds.inWorkspace(due.id, ({ write }) => write(due.ownerId, { ...request, scheduled: true }, false));
  return true;
}
