import type { WorkspaceBuild } from "@fleet/sdk";

const TRANSITIONS = { start: "Start", stop: "Stop", delete: "Delete" } as const;

export function transitionName(build: WorkspaceBuild): string {
  return TRANSITIONS[build.transition];
}

const REASONS: Record<string, string> = {
  autostart: "by schedule",
  autostop: "by autostop",
  dormancy: "because the workspace was inactive",
  cli: "from the CLI",
  dashboard: "from the dashboard",
  ssh_connection: "for an SSH connection",
  vscode_connection: "for VS Code",
  jetbrains_connection: "for a JetBrains IDE",
};

/** Initiator of a build: "by ana, from the CLI". */
export function originOf(build: WorkspaceBuild): string {
  const reason = REASONS[build.reason];
  if (build.reason === "autostart" || build.reason === "autostop" || build.reason === "dormancy")
    return reason!;
  return reason ? `by ${build.initiator_name}, ${reason}` : `by ${build.initiator_name}`;
}

/** Duration of the build's job so far; undefined before it started. */
export function buildDurationMs(build: WorkspaceBuild, now: Date): number | undefined {
  const { started_at, completed_at } = build.job;
  if (!started_at) return undefined;
  return (completed_at ? Date.parse(completed_at) : now.getTime()) - Date.parse(started_at);
}
