import type { WorkspaceAgent, WorkspaceApp } from "@fleet/sdk";

/** The visible apps, in the template's order. */
export function shownApps(agent: Pick<WorkspaceAgent, "apps">): WorkspaceApp[] {
  return agent.apps.filter((app) => !app.hidden);
}
