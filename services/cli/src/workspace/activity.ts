import type { ActivityReason, Workspace } from "@fleet/sdk";
import { until } from "../ui/time.js";

const NAMES: Record<Exclude<ActivityReason["kind"], "hold">, string> = {
  ssh: "SSH",
  vscode: "VS Code",
  jetbrains: "JetBrains",
  reconnecting_pty: "web terminal",
  app: "app",
  processes: "running processes",
};

/** What keeps the workspace running; empty if nothing does, or it does not run. */
export function activityText({ activity }: Workspace, now: Date): string {
  return (activity?.reasons ?? [])
    .map((reason) =>
      reason.kind === "hold" ? `${reason.name} (hold, ends ${until(reason.until, now)})` : NAMES[reason.kind],
    )
    .join(", ");
}

/** When it stops if nothing else happens: `in 2h (required by the template)`; empty if it does not run. */
export function stopText({ activity }: Workspace, now: Date): string {
  if (!activity) return "";
  if (!activity.stops_at) return "when somebody stops it";
  const required = activity.stops_because === "required_stop" ? " (required by the template)" : "";
  return `${until(activity.stops_at, now)}${required}`;
}
