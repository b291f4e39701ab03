import type * as wire from "@fleet/sdk";
import type { Hold } from "../activity/holds-store.js";
import { reasonsOf } from "../activity/reasons.js";
import type { BuildView } from "../builds/service.js";
import type { UnpushedWork } from "../unpushedwork/service.js";
import type { WorkspaceRow } from "../workspaces/store.js";

/** Why a running workspace keeps running, and when it stops. */
export function toActivity(
  { activity, holds }: Pick<WorkspaceRow, "activity" | "holds">,
  { row: { deadline, maxDeadline } }: BuildView,
  now: Date,
): wire.WorkspaceActivity {
  const required = deadline && maxDeadline && deadline >= maxDeadline;
  return {
    reasons: reasonsOf(activity, holds, now).map((reason) =>
      reason.kind === "hold"
        ? { kind: reason.kind, name: reason.name, until: reason.until.toISOString() }
        : { kind: reason.kind, last_seen_at: reason.lastSeenAt.toISOString() },
    ),
    stops_at: deadline?.toISOString() ?? null,
    stops_because: deadline ? (required ? "required_stop" : "autostop") : null,
  };
}

export function toHold({ name, createdAt, expiresAt }: Hold): wire.ActivityHold {
  return { name, created_at: createdAt.toISOString(), expires_at: expiresAt.toISOString() };
}

export function toUnpushedWork(work: UnpushedWork): wire.UnpushedWork {
  return {
    ...(work.unavailable ? { unavailable: work.unavailable } : {}),
    collected_at: work.collectedAt?.toISOString() ?? null,
    complete: work.complete,
    repositories: work.repositories.map((repository) => ({
      agent_name: repository.agentName,
      path: repository.path,
      changed_files: repository.changedFiles,
      stashes: repository.stashes,
      branches: repository.branches.map(({ name, commits, hasUpstream }) => ({
        name,
        commits,
        has_upstream: hasUpstream,
      })),
      lost_on_stop: repository.lostOnStop,
    })),
  };
}
