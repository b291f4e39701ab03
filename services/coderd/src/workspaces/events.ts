import { SCHEDULED_REASON_TEXTS } from "../builds/events.js";
import type { Transaction } from "../database/transaction.js";
import type { Notification, Notifier } from "../notifications/notifier.js";
import type { ScheduledReason, ScheduleState } from "../schedules/rules.js";
import { sentenceOf } from "../unpushedwork/report.js";
import { unpushedReports } from "../unpushedwork/store.js";
import type { Candidate, Stopping } from "./lifecycle-store.js";

export type DormantWorkspace = {
  id: string;
  name: string;
  ownerId: string;
  templateId: string;
  dormantAt: Date;
  deletingAt: Date | null;
};

/** Tells the owner that its workspace became dormant; `byId` marked it, or undefined if nobody used it. */
export async function notifyOfDormancy(
  notifier: Notifier,
  tx: Transaction,
  workspace: DormantWorkspace,
  byId: string | undefined,
): Promise<void> {
  const { id, name, ownerId, templateId, dormantAt, deletingAt } = workspace;
  if (byId === ownerId) return;
  const reason = byId ? `marked by ${await notifier.username(byId, tx)}` : "it was not used";
  const labels = {
    name,
    owner: await notifier.username(ownerId, tx),
    reason,
    deletion: deletingAt ? `It will be deleted on ${toDay(deletingAt)}.` : "",
    unpushed: deletingAt ? sentenceOf((await unpushedReports(tx, [id])).get(id)) : "",
  };
  const occurrence = `${id}:${dormantAt.toISOString()}`;
  await notifier.notify(
    [{ event: "workspaceDormant", to: { users: [ownerId] }, labels, targets: [id, templateId], occurrence }],
    tx,
  );
}

/** Tells owners that their workspaces stop soon. */
export async function notifyOfStops(
  notifier: Notifier,
  tx: Transaction,
  stopping: readonly Stopping[],
): Promise<void> {
  await notifier.notify(
    stopping.map(
      ({ buildId, workspaceId, name, ownerId, ownerName, templateId, deadline, required }): Notification => ({
        event: "workspaceStopsSoon",
        to: { users: [ownerId] },
        labels: {
          name,
          owner: ownerName,
          deadline: toDay(deadline),
          advice: required
            ? "Its template requires the stop. Save your work; you can start the workspace again afterwards."
            : "To keep it running, connect to it or extend its deadline.",
        },
        targets: [workspaceId, templateId],
        occurrence: `${buildId}:${deadline.toISOString()}`,
        expiresAt: deadline,
      }),
    ),
    tx,
  );
}

/** Tells the owner that a scheduled build could not be created. */
export async function notifyOfRefusal(
  notifier: Notifier,
  tx: Transaction,
  workspace: Candidate,
  build: { transition: string; reason: ScheduledReason; error: string },
  { failures, retryAt, nextStartAt }: ScheduleState,
): Promise<void> {
  const { id, name, ownerId, ownerName, templateId, templateName, buildId, buildNumber } = workspace;
  const again = retryAt ?? nextStartAt;
  const labels = {
    name,
    owner: ownerName,
    initiator: "the platform",
    reason: SCHEDULED_REASON_TEXTS[build.reason],
    transition: build.transition,
    template: templateName,
    build_number: String(buildNumber),
    error: again ? `${build.error} It is retried at ${toDay(again)}.` : build.error,
  };
  const occurrence = `${buildId}:${build.reason}:${failures}`;
  await notifier.notify(
    [
      {
        event: "workspaceAutobuildFailed",
        to: { users: [ownerId] },
        labels,
        targets: [id, templateId],
        occurrence,
      },
    ],
    tx,
  );
}

function toDay(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
