import type { Workspace, WorkspaceAgent } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { externalAgentQuery } from "../../api/agents.js";
import { CopyLine } from "../ui/copy.js";

/** The command that starts an external agent, for users who may have it. */
export function StartCommand({ workspace, agent }: { workspace: Workspace; agent: WorkspaceAgent }) {
  const credentials = useQuery(externalAgentQuery(workspace, agent.name)).data;
  if (!credentials) return null;
  return (
    <div className="flex flex-col gap-1">
      <p className="text-muted text-sm">Run this command on the machine to start the agent:</p>
      <CopyLine text={credentials.command} />
    </div>
  );
}
