import { type Clock, type ErrorCode, errorMessage, inParallel, isFleetError, type Logger } from "@fleet/base";
import type { Audit, PlatformAct } from "../audit/service.js";
import { isActive } from "../provisionerjobs/status.js";
import type { Restart, RestartStore, WaitingRestart } from "./restart-store.js";
import { alreadyActive, type BuildRequest, type InWorkspace, type LockedScope } from "./writer.js";

/**
 * Restarts: a stop and the start that follows it, requested together. The start is validated and stored in the
 * transaction that creates the stop. Whichever replica sees the stop end creates the start, so neither the client nor
 * any particular coderd process has to stay up. If the stop fails or is canceled, or a later build comes first, the
 * start is dropped with the reason.
 */
export type Restarts = {
  /**
   * Requests a restart of a locked workspace.
   * @returns the build to follow: the stop, or the start if nothing has to be stopped.
   * @throws any error the start would fail with, before anything stops; BuildAlreadyActive.
   */
  request(
    scope: LockedScope,
    initiatorId: string,
    request: BuildRequest,
    mayChooseVersion: boolean,
  ): Promise<string>;
  /** Drops the start that waits for this stop. Returns whether there was one. */
  cancel(stopBuildId: string): Promise<boolean>;
  /** Creates the starts whose stops have ended. Concurrent calls share one pass. */
  carryOn(): Promise<void>;
  /** Waits for the current pass; no further pass runs. */
  close(): Promise<void>;
};

/** How often replicas poll for ended stops, in case a notification was missed. */
export const CARRY_ON_MS = 5_000;
/** Maximum restarts processed in parallel: each holds a connection to Postgres. */
const PARALLEL = 4;

/** Server-side failures, after which the start is retried. */
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

  /** Runs under the workspace lock. A restart dropped by a build that came first is not found here. */
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
        acceptsDataLoss: rest.acceptsDataLoss,
        traceContext: rest.traceContext,
      };
      // Whether the initiator may use this version was checked when the restart was requested.
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
      // A restart requested while the workspace is being stopped joins that stop.
      const stopping =
        stops && (workspace.latestStatus === "pending" || workspace.latestStatus === "running");
      if (!stopping && workspace.latestStatus && isActive(workspace.latestStatus))
        throw alreadyActive(workspace);
      const { version, parameters } = await scope.check(request, mayChooseVersion);
      const { reason = "initiator", logLevel = "", traceContext = {}, idempotency } = request;
      const stop: BuildRequest = {
        transition: "stop",
        parameters: [],
        reason,
        logLevel,
        traceContext,
        acceptsDataLoss: request.acceptsDataLoss,
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
        acceptsDataLoss: request.acceptsDataLoss ?? false,
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

/** Why no start follows the stop; undefined if one does. */
function whyNot({ stopStatus, stopError, initiatorSuspended }: WaitingRestart): string | undefined {
  if (stopStatus === "canceled") return CANCELED;
  if (stopStatus !== "succeeded") return `The workspace failed to stop, so it was not started: ${stopError}`;
  return initiatorSuspended ? SUSPENDED : undefined;
}
