import type { WorkspaceAgent, WorkspaceApp } from "@fleet/sdk";

/** The apps that the template shows, in its order. */
export function shownApps(agent: Pick<WorkspaceAgent, "apps">): WorkspaceApp[] {
  return agent.apps.filter((app) => !app.hidden);
}
