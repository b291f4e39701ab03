import type { BuildTimings, WorkspaceAgent } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { buildTimingsQuery } from "../../api/workspaces.js";

type ScriptTiming = BuildTimings["agent_script_timings"][number];

const FAILED: ReadonlySet<string> = new Set(["exit_failure", "timed_out"]);

/** Startup scripts of this agent that failed in this build; fetched only if one did. */
export function useFailedScripts(build: string, agent: WorkspaceAgent): ScriptTiming[] {
  const failed = agent.lifecycle_state === "start_error";
  const timings = useQuery({ ...buildTimingsQuery(build), enabled: failed });
  if (!failed) return [];
  // `pipes_left_open` is not a failure: the script exited, and a process that it started is still running.
  return (timings.data?.agent_script_timings ?? []).filter(
    ({ workspace_agent_id, exit_code, status }) =>
      workspace_agent_id === agent.id && (exit_code !== 0 || FAILED.has(status)),
  );
}

/** Names the failed startup scripts and their errors, to search for in the log below. */
export function FailedScripts(props: { build: string; agent: WorkspaceAgent; fallback: string }) {
  const failed = useFailedScripts(props.build, props.agent);
  if (failed.length === 0) return <>{props.fallback}</>;
  return (
    <>
      {failed.map((script) => (
        <p key={script.display_name}>
          <strong className="font-medium">{script.display_name || "A startup script"}</strong>{" "}
          {outcomeOf(script)}
        </p>
      ))}
      <p>You can connect to the workspace to investigate.</p>
    </>
  );
}

function outcomeOf({ status, exit_code }: ScriptTiming): string {
  if (status === "timed_out") return "exceeded its time limit.";
  return exit_code === 0 ? "failed." : `failed with exit code ${exit_code}.`;
}
