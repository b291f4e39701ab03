import { FleetError, isFleetError } from "@fleet/base";
import type { BuildReason, Workspace, WorkspaceAgent } from "@fleet/sdk";
import { parseWorkspaceName } from "@fleet/sdk/browser";
import type { Context } from "../context.js";
import { followBuild, isUnderWay } from "./build.js";
import { chooseAgent, findWorkspace } from "./find.js";
import { startBuild } from "./start.js";

const POLL_MS = 500;

export type ReachOptions = {
  /** Start the workspace if it is stopped. */
  autostart: boolean;
  /** Build reason of such a start. */
  reason?: BuildReason;
  /** `yes`: wait for the startup scripts; `auto`: only if they block login; `no`: only for the connection. */
  wait: "yes" | "no" | "auto";
};

/** Finds the named agent, starts its workspace if needed, and waits until it is reachable. */
export async function reachAgent(
  context: Context,
  text: string,
  options: ReachOptions,
): Promise<{ workspace: Workspace; agent: WorkspaceAgent }> {
  const { agent: agentName } = parseWorkspaceName(text);
  const { client } = await context.session();
  let workspace = await ensureRunning(context, await findWorkspace(client, text), options);
  let agent = chooseAgent(workspace, agentName);
  let said = "";
  const say = (line: string) => {
    if (line !== said) context.note(context.colors.dim(line));
    said = line;
  };
  for (;;) {
    if (agent.status === "connected") {
      const waits =
        options.wait === "yes" || (options.wait === "auto" && agent.startup_script_behavior === "blocking");
      if (!waits || hasStarted(context, agent)) return { workspace, agent };
      say(`Waiting for the startup scripts of ${workspace.name} to finish…`);
    } else {
      say(waitingFor(workspace, agent));
    }
    await context.clock.sleep(POLL_MS, context.signal);
    workspace = await client.workspaceGet({ params: { workspace: workspace.id } });
    requireStart(workspace);
    agent = chooseAgent(workspace, agent.name);
  }
}

/** How many concurrent builds by other clients to tolerate before failing. */
const CONFLICT_LIMIT = 5;

/**
 * Returns the workspace once it is running. Joins builds of other clients, because several may connect to the same
 * stopped workspace.
 */
async function ensureRunning(
  context: Context,
  workspace: Workspace,
  options: ReachOptions,
  conflicts = 0,
): Promise<Workspace> {
  const { client } = await context.session();
  const { latest_build: build } = workspace;
  const again = () => client.workspaceGet({ params: { workspace: workspace.id } });
  if (isUnderWay(build)) {
    context.note(`Waiting for the ${build.transition} of ${workspace.name} to finish…`);
    await followBuild(context, build);
    return ensureRunning(context, await again(), options, conflicts);
  }
  if (build.transition === "start" && build.job.status === "succeeded") return workspace;
  if (build.transition === "start" && build.job.status === "failed") requireStart(workspace);
  if (build.transition === "delete") {
    throw new FleetError("failed_precondition", `Workspace ${workspace.name} has been deleted.`);
  }
  if (workspace.dormant_at) {
    const { url } = await context.session();
    throw new FleetError(
      "failed_precondition",
      `Workspace ${workspace.name} is dormant because it was not used. Activate it first, on its page: ${url}/@${workspace.owner_name}/${workspace.name}`,
    );
  }
  if (!options.autostart) {
    throw new FleetError(
      "failed_precondition",
      `Workspace ${workspace.name} is ${workspace.latest_build.status}. Start it with: coder start ${workspace.owner_name}/${workspace.name}`,
    );
  }
  context.note(`Workspace ${workspace.name} is stopped. Starting it…`);
  try {
    const started = await startBuild(context, workspace, { yes: true, reason: options.reason });
    if (started) await followBuild(context, started);
  } catch (error) {
    if (!isFleetError(error, "conflict") || conflicts >= CONFLICT_LIMIT) throw error;
    return ensureRunning(context, await again(), options, conflicts + 1);
  }
  return again();
}

function requireStart(workspace: Workspace): void {
  const { transition, job } = workspace.latest_build;
  if (transition !== "start") {
    throw new FleetError(
      "failed_precondition",
      `Workspace ${workspace.name} is being ${transition === "stop" ? "stopped" : "deleted"}.`,
    );
  }
  if (job.status === "failed") {
    throw new FleetError(
      "failed_precondition",
      `The last start of ${workspace.name} failed. See the log with: coder logs ${workspace.owner_name}/${workspace.name}`,
      { detail: job.error },
    );
  }
}

function waitingFor(workspace: Workspace, agent: WorkspaceAgent): string {
  switch (agent.status) {
    case "timeout":
      return `The agent of ${workspace.name} is taking longer than expected to connect${agent.troubleshooting_url ? ` (see ${agent.troubleshooting_url})` : ""}. Still waiting…`;
    case "disconnected":
      return `The agent of ${workspace.name} is disconnected. Waiting for it to reconnect…`;
    default:
      return `Waiting for the agent of ${workspace.name} to connect…`;
  }
}

/** True once login is useful; failed startup scripts are reported, but do not prevent it. */
function hasStarted(context: Context, agent: WorkspaceAgent): boolean {
  switch (agent.lifecycle_state) {
    case "created":
    case "starting":
      return false;
    case "start_error":
    case "start_timeout":
      context.note(
        context.colors.yellow(
          `A startup script ${agent.lifecycle_state === "start_error" ? "failed" : "timed out"}. The workspace may be incomplete.`,
        ),
      );
      return true;
    case "ready":
      return true;
    default:
      throw new FleetError("failed_precondition", "The workspace is shutting down.");
  }
}
