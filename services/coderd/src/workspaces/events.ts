import type { Transaction } from "../database/transaction.js";
import type { Notifier } from "../notifications/notifier.js";

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
  };
  const occurrence = `${id}:${dormantAt.toISOString()}`;
  await notifier.notify(
    [{ event: "workspaceDormant", to: { users: [ownerId] }, labels, targets: [id, templateId], occurrence }],
    tx,
  );
}

function toDay(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
