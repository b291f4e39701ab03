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
  /** All of the start's values. */
  parameters: ParameterValue[];
  reason: string;
  logLevel: string;
  traceContext: Record<string, string>;
};

/** One that is still waiting, with what became of its stop. */
export type WaitingRestart = Restart & {
  initiatorSuspended: boolean;
  stopStatus: JobStatus;
  stopError: string | null;
};

/** Restarts of one pass; what is left is due in the next. */
const DUE_LIMIT = 100;

/** The starts that wait for their stops. */
export type RestartStore = {
  /** Writes the restart, in place of the one that waits for the same stop. */
  put(tx: Transaction, restart: Restart, now: Date): Promise<void>;
  /** Those whose stop has ended. */
  due(): Promise<{ stopBuildId: string; workspaceId: string }[]>;
  /** Locked until the transaction ends; undefined where it has ended. */
  waiting(tx: Transaction, stopBuildId: string): Promise<WaitingRestart | undefined>;
  /** Ends it with the start that followed, or with the reason why none does. */
  end(
    tx: Transaction,
    stopBuildId: string,
    outcome: { startBuildId: string } | { error: string },
    now: Date,
  ): Promise<void>;
  /** Drops what waits for the workspace. True where something did. */
  drop(tx: Pick<Transaction, "$executeRaw">, workspaceId: string, error: string, now: Date): Promise<boolean>;
  /** Drops what waits for this stop. True where something did. */
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
          r.log_level AS "logLevel", r.trace_context AS "traceContext", u.status = 'suspended' AS "initiatorSuspended",
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
