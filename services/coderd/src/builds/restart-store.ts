import type { ParameterValue } from "@fleet/parameters";
import type { Database, Transaction } from "../database/client.js";
import { toJson } from "../database/json.js";
import { JOB_STATUS } from "../provisionerjobs/predicates.js";
import type { JobStatus } from "../provisionerjobs/status.js";

/** A start that follows a stop. */
export type Restart = {
  stopBuildId: string;
  workspaceId: string;
  initiatorId: string;
  templateVersionId: string;
  presetId: string | null;
  /** All parameter values of the start. */
  parameters: ParameterValue[];
  reason: string;
  logLevel: string;
  acceptsDataLoss: boolean;
  traceContext: Record<string, string>;
};

/** A restart that is still waiting, with the outcome of its stop. */
export type WaitingRestart = Restart & {
  initiatorSuspended: boolean;
  stopStatus: JobStatus;
  stopError: string | null;
};

/** Maximum restarts per pass; the rest are handled by the next. */
const DUE_LIMIT = 100;

/** Stores starts that wait for their stops. */
export type RestartStore = {
  /** Stores the restart, replacing one that waits for the same stop. */
  put(tx: Transaction, restart: Restart, now: Date): Promise<void>;
  /** Restarts whose stop has finished. */
  due(): Promise<{ stopBuildId: string; workspaceId: string }[]>;
  /** Locks the restart until the transaction ends; undefined if it is no longer waiting. */
  waiting(tx: Transaction, stopBuildId: string): Promise<WaitingRestart | undefined>;
  /** Completes the restart with the start's build id, or with the reason there is none. */
  end(
    tx: Transaction,
    stopBuildId: string,
    outcome: { startBuildId: string } | { error: string },
    now: Date,
  ): Promise<void>;
  /** Drops the workspace's waiting restart. Returns whether there was one. */
  drop(tx: Pick<Transaction, "$executeRaw">, workspaceId: string, error: string, now: Date): Promise<boolean>;
  /** Drops the restart that waits for this stop. Returns whether there was one. */
  dropAfter(stopBuildId: string, error: string, now: Date): Promise<boolean>;
};

export function createRestartStore(db: Database): RestartStore {
  return {
    async put(tx, restart, now) {
      const { stopBuildId, ...rest } = restart;
      const data = { ...rest, createdAt: now, endedAt: null, startBuildId: null, error: "" };
      await tx.workspaceRestart.upsert({
        where: { stopBuildId },
        create: { stopBuildId, ...data },
        update: data,
        select: { stopBuildId: true },
      });
    },

    due() {
      return db.$queryRaw`
        SELECT r.stop_build_id AS "stopBuildId", r.workspace_id AS "workspaceId" FROM workspace_restarts r
        JOIN workspace_builds b ON b.id = r.stop_build_id
        JOIN provisioner_jobs j ON j.id = b.job_id
        WHERE r.ended_at IS NULL AND j.completed_at IS NOT NULL ORDER BY j.completed_at LIMIT ${DUE_LIMIT}`;
    },

    async waiting(tx, stopBuildId) {
      const rows = await tx.$queryRaw<WaitingRestart[]>`
        SELECT r.stop_build_id AS "stopBuildId", r.workspace_id AS "workspaceId", r.initiator_id AS "initiatorId",
          r.template_version_id AS "templateVersionId", r.preset_id AS "presetId", r.parameters, r.reason,
          r.log_level AS "logLevel", r.accepts_data_loss AS "acceptsDataLoss", r.trace_context AS "traceContext", u.status = 'suspended' AS "initiatorSuspended",
          ${JOB_STATUS} AS "stopStatus", j.error AS "stopError"
        FROM workspace_restarts r
        JOIN users u ON u.id = r.initiator_id
        JOIN workspace_builds b ON b.id = r.stop_build_id
        JOIN provisioner_jobs j ON j.id = b.job_id
        WHERE r.stop_build_id = ${stopBuildId}::uuid AND r.ended_at IS NULL FOR UPDATE OF r`;
      return rows[0];
    },

    async end(tx, stopBuildId, outcome, now) {
      await tx.workspaceRestart.update({
        where: { stopBuildId },
        data: { error: "", ...outcome, endedAt: now, parameters: [] },
        select: { stopBuildId: true },
      });
    },

    async drop(tx, workspaceId, error, now) {
      const dropped = await tx.$executeRaw`
        UPDATE workspace_restarts SET error = ${error}, ended_at = ${now}, parameters = ${toJson([])}::jsonb
        WHERE workspace_id = ${workspaceId}::uuid AND ended_at IS NULL`;
      return dropped > 0;
    },

    async dropAfter(stopBuildId, error, now) {
      const dropped = await db.$executeRaw`
        UPDATE workspace_restarts SET error = ${error}, ended_at = ${now}, parameters = ${toJson([])}::jsonb
        WHERE stop_build_id = ${stopBuildId}::uuid AND ended_at IS NULL`;
      return dropped > 0;
    },
  };
}
