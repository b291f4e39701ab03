import { FleetError } from "@fleet/base";
import type { Client, Workspace, WorkspaceAgent } from "@fleet/sdk";
import { parseWorkspaceName } from "@fleet/sdk/browser";
import { allPages, PAGE_SIZE } from "../pages.js";

/** Finds a workspace by name. */
export async function findWorkspace(client: Client, text: string): Promise<Workspace> {
  const { owner, workspace } = parseWorkspaceName(text);
  try {
    return await client.workspaceGetByName({ params: { user: owner, workspaceName: workspace } });
  } catch (error) {
    if (!(error instanceof FleetError) || error.code !== "not_found") throw error;
    throw new FleetError("not_found", `Workspace "${text}" not found. List yours with: coder list`, {
      cause: error,
    });
  }
}

/** All workspaces that match the search. */
export function findWorkspaces(client: Client, q: string): Promise<Workspace[]> {
  return allPages(async (offset) => {
    const { workspaces, count } = await client.workspaceList({ query: { q, limit: PAGE_SIZE, offset } });
    return { items: workspaces, count };
  });
}

export function agentsOf(workspace: Workspace): WorkspaceAgent[] {
  return workspace.latest_build.resources.flatMap((resource) => resource.agents ?? []);
}

/** Finds an agent by name, or the only one. */
export function chooseAgent(workspace: Workspace, name: string | undefined): WorkspaceAgent {
  const agents = agentsOf(workspace);
  const known = agents.map((agent) => agent.name).join(", ");
  if (agents.length === 0) {
    throw new FleetError("failed_precondition", `Workspace ${workspace.name} has no agent to connect to.`);
  }
  if (!name) {
    const roots = agents.filter((agent) => !agent.parent_id);
    if (roots.length === 1) return roots[0]!;
    throw new FleetError(
      "invalid_argument",
      `Workspace ${workspace.name} has several agents: ${known}. Specify one, such as ${workspace.name}.${agents[0]!.name}.`,
    );
  }
  const agent = agents.find((each) => each.name === name);
  if (agent) return agent;
  throw new FleetError(
    "not_found",
    `Workspace ${workspace.name} has no agent "${name}". Valid values: ${known}.`,
  );
}
