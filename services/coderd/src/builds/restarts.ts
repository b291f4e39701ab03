import { type Clock, type ErrorCode, errorMessage, inParallel, isFleetError, type Logger } from "@fleet/base";
import type { Audit, PlatformAct } from "../audit/service.js";
import { isActive } from "../provisionerjobs/status.js";
import type { Restart, RestartStore, WaitingRestart } from "./restart-store.js";
import { alreadyActive, type BuildRequest, type InWorkspace, type LockedScope } from "./writer.js";

/**
 * Restarts: a stop and the start that follows it, requested as one. The start is checked and written down in the
 * transaction that writes the stop; whichever replica sees the stop end writes the start, so no client has to stay, and
 * none of coderd's processes. A failed or canceled stop, or a later build, drops the start and says why.
 */
export type Restarts = {
  /**
   * Requests a restart in a workspace that is locked.
   * @returns the build to follow: the stop, or the start where nothing has to be stopped.
   * @throws what the start would be refused with, before anything stops; BuildAlreadyActive.
   */
  request(
    scope: LockedScope,
    initiatorId: string,
    request: BuildRequest,
    mayChooseVersion: boolean,
  ): Promise<string>;
  /** Drops the start that waits for this stop. True where there was one. */
  cancel(stopBuildId: string): Promise<boolean>;
  /** Writes the starts whose stops have ended. Calls that come together share their work. */
  carryOn(): Promise<void>;
  /** Ends the pass that runs; none follows. */
  close(): Promise<void>;
};

/** Replicas look this often for stops that have ended while nobody was told. */
export const CARRY_ON_MS = 5_000;
/** Restarts that are carried on at once: each holds a connection to Postgres. */
const PARALLEL = 4;

/** Of the server, not of the request: the start is tried again. */
const OUTAGES: ReadonlySet<ErrorCode> = new Set(["internal", "unavailable", "deadline_exceeded"]);
const CANCELED = "The restart was canceled, so the workspace was not started.";
const SUSPENDED = "The user who requested the restart has been suspended, so the workspace was not started.";

export type RestartsOptions = {
  store: RestartStore;
  inWorkspace: InWorkspace;
  audit: Audit;
  clock: Clock;
  logger: Logger;
};

export function createRestarts({ store, inWorkspace, audit, clock, logger }: RestartsOptions): Restarts {
  let running: Promise<void> | undefined;
  let again = false;
  let closed = false;

  async function pass(): Promise<void> {
    await inParallel(await store.due(), PARALLEL, async ({ workspaceId, stopBuildId }) => {
      try {
        await audit.byItself(() => inWorkspace(workspaceId, (scope) => carryOn(scope, stopBuildId)));
      } catch (error) {
        if (!closed)
          logger.warn("could not continue a restart; retrying", {
            workspaceId,
            error: errorMessage(error),
          });
      }
    });
  }

  /** What the lock is held for: a build that came between has dropped the restart, and is not seen here. */
  async function carryOn(scope: LockedScope, stopBuildId: string): Promise<PlatformAct[]> {
    const restart = await store.waiting(scope.tx, stopBuildId);
    if (!restart) return [];
    const error = whyNot(restart);
    const outcome = error ? { error } : await start(scope, restart);
    await store.end(scope.tx, stopBuildId, outcome, clock.now());
    if ("error" in outcome) return [];
    const { initiatorId: userId } = restart;
    return [
      { userId, action: "start", type: "workspace_build", id: outcome.startBuildId, before: undefined },
    ];
  }

  async function start(scope: LockedScope, restart: WaitingRestart) {
    const { initiatorId, templateVersionId: versionId, presetId, ...rest } = restart;
    try {
      const request: BuildRequest = {
        transition: "start",
        versionId,
        presetId: presetId ?? undefined,
        parameters: rest.parameters,
        reason: rest.reason,
        logLevel: rest.logLevel,
        traceContext: rest.traceContext,
      };
      // Whether the initiator may have this version was decided when the restart was requested.
      return { startBuildId: await scope.write(initiatorId, request, true) };
    } catch (error) {
      if (!isFleetError(error) || OUTAGES.has(error.code)) throw error;
      return { error: `The workspace was stopped but could not be started: ${error.message}` };
    }
  }

  return {
    async request(scope, initiatorId, request, mayChooseVersion) {
      const { workspace } = scope;
      const stops = workspace.latestTransition === "stop";
      if (stops && workspace.latestStatus === "succeeded") {
        return scope.write(initiatorId, request, mayChooseVersion);
      }
      // A restart that comes while the workspace is being stopped takes that stop for its own.
      const stopping =
        stops && (workspace.latestStatus === "pending" || workspace.latestStatus === "running");
      if (!stopping && workspace.latestStatus && isActive(workspace.latestStatus))
        throw alreadyActive(workspace);
      const { version, parameters } = await scope.plan(request, mayChooseVersion);
      const { reason = "initiator", logLevel = "", traceContext = {}, idempotency } = request;
      const stop: BuildRequest = {
        transition: "stop",
        parameters: [],
        reason,
        logLevel,
        traceContext,
        idempotency,
      };
      const stopBuildId = stopping
        ? workspace.latestBuildId!
        : await scope.write(initiatorId, stop, mayChooseVersion);
      const restart: Restart = {
        stopBuildId,
        workspaceId: workspace.id,
        initiatorId,
        templateVersionId: version.id,
        presetId: request.presetId ?? null,
        parameters,
        reason,
        logLevel,
        traceContext,
      };
      await store.put(scope.tx, restart, clock.now());
      return stopBuildId;
    },

    cancel: (stopBuildId) => store.dropAfter(stopBuildId, CANCELED, clock.now()),

    carryOn() {
      if (closed) return Promise.resolve();
      again = true;
      running ??= (async () => {
        try {
          while (again) {
            again = false;
            await pass();
          }
        } finally {
          running = undefined;
        }
      })();
      return running;
    },

    async close() {
      closed = true;
      await running?.catch(() => {});
    },
  };
}

/** Why no start follows the stop; undefined where one does. */
function whyNot({ stopStatus, stopError, initiatorSuspended }: WaitingRestart): string | undefined {
  if (stopStatus === "canceled") return CANCELED;
  if (stopStatus !== "succeeded") return `The workspace failed to stop, so it was not started: ${stopError}`;
  return initiatorSuspended ? SUSPENDED : undefined;
}
