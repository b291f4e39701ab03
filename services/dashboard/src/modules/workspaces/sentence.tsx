import type { Workspace, WorkspaceBuild } from "@fleet/sdk";
import { originOf } from "../builds/describe.js";
import { duration, isRealTime, relativeTime, useNow } from "../format/time.js";

const CHANGING: Partial<Record<WorkspaceBuild["status"], string>> = {
  starting: "Starting",
  stopping: "Stopping",
  deleting: "Deleting",
  canceling: "Canceling the build",
};
const NOUNS = { start: "start", stop: "stop", delete: "deletion" } as const;
const MINUTE_MS = 60_000;

/** The state in one sentence, with its cause and time: "Running for 2 h, started by ana. Stops at 18:00." */
export function StateSentence({ workspace, usualMs }: { workspace: Workspace; usualMs: number | undefined }) {
  const now = useNow(1_000);
  return <>{sentenceOf(workspace, usualMs, now)}</>;
}

export function sentenceOf(workspace: Workspace, usualMs: number | undefined, now: Date): string {
  const build = workspace.latest_build;
  const { status, job, transition } = build;
  const endedAt = job.completed_at ?? build.created_at;
  const ago = relativeTime(new Date(endedAt), now);
  if (status === "pending") return `Waiting for a provisioner, requested ${originOf(build)}.`;
  const changing = CHANGING[status];
  if (changing) {
    const elapsed = Math.max(0, now.getTime() - Date.parse(job.started_at ?? build.created_at));
    const seconds = duration(Math.floor(elapsed / 1_000) * 1_000);
    const usual = usualMs && status !== "canceling" ? `, usually takes ${duration(usualMs)}` : "";
    return `${changing} for ${seconds}${usual}, requested ${originOf(build)}.`;
  }
  if (status === "running")
    return `${runningFor(endedAt, now)}, started ${originOf(build)}. ${stopOf(build, now)}`;
  if (status === "stopped")
    return workspace.dormant_at
      ? `Dormant since ${relativeTime(new Date(workspace.dormant_at), now)}; stopped ${ago} ${originOf(build)}.`
      : `Stopped ${ago} ${originOf(build)}.`;
  if (status === "deleted") return `Deleted ${ago} ${originOf(build)}.`;
  const how = status === "canceled" ? "was canceled" : "failed";
  return `The ${NOUNS[transition]} ${how} ${ago}; it was requested ${originOf(build)}.`;
}

function runningFor(since: string, now: Date): string {
  const ms = now.getTime() - Date.parse(since);
  return ms < MINUTE_MS
    ? "Running for less than a minute"
    : `Running for ${duration(ms - (ms % MINUTE_MS)).replace(/ 0 s$/, "")}`;
}

function stopOf({ deadline }: WorkspaceBuild, now: Date): string {
  if (!isRealTime(deadline)) return "Runs until it is stopped.";
  return `Stops ${clockTime(new Date(deadline), now)}.`;
}

/** "at 18:00", with the day if it is another one. */
export function clockTime(time: Date, now: Date): string {
  const sameDay = time.toDateString() === now.toDateString();
  const clock = time.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  if (sameDay) return `at ${clock}`;
  return `on ${time.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" })} at ${clock}`;
}
