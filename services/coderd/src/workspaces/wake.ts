import { type ErrorCode, FleetError } from "@fleet/base";
import type { Audit, PlatformAct } from "../audit/service.js";
import type { UserActor } from "../auth/actor.js";
import { wakerOf } from "../auth/waker.js";
import { DoesNotWake } from "../builds/errors.js";
import { type Builds, requireMay } from "../builds/service.js";
import { isActive } from "../provisionerjobs/status.js";

/**
 * Starts a stopped workspace because its user requested one of its apps. Nothing happens if it is already starting, or
 * does not stand still otherwise: the next decision about the app tells.
 * @returns why it cannot be started, in a sentence for the user; empty if there is no reason.
 */
export type Wake = (actor: UserActor, workspaceId: string) => Promise<string>;

const OUTAGES: readonly ErrorCode[] = ["unavailable", "deadline_exceeded", "internal"];
const START = { transition: "start", parameters: [] } as const;

export function createWake({
  builds,
  audit,
}: {
  builds: Pick<Builds, "inWorkspace">;
  audit: Pick<Audit, "byItself">;
}): Wake {
  return async (actor, workspaceId) => {
    const { userId } = actor;
    try {
      await audit.byItself(() =>
        builds.inWorkspace(workspaceId, async ({ workspace, write }): Promise<PlatformAct[]> => {
          const isAdmin = requireMay(wakerOf(actor), workspace, START);
          if (!workspace.wakeOn.includes("apps")) throw new DoesNotWake(workspace.name);
          const { latestTransition, latestStatus, restarting } = workspace;
          if (latestTransition !== "stop" || !latestStatus || isActive(latestStatus) || restarting) return [];
          const id = await write(userId, { ...START, parameters: [] }, isAdmin);
          return [{ userId, action: "start", type: "workspace_build", id, before: undefined }];
        }),
      );
      return "";
    } catch (error) {
      // An outage is no answer: the proxy asks again.
      if (!(error instanceof FleetError) || OUTAGES.includes(error.code)) throw error;
      return error.message;
    }
  };
}
