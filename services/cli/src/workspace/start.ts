import type { BuildReason, NameValue, Workspace, WorkspaceBuild } from "@fleet/sdk";
import type { Context } from "../context.js";
import { createBuild } from "./build.js";
import { type ParameterFlags, readParameterFlags } from "./parameter-flags.js";
import { resolveParameters } from "./parameters.js";

export type StartOptions = ParameterFlags & {
  yes?: boolean;
  reason?: BuildReason;
  /** The template version to take; the workspace's own when left out. */
  version?: string;
  /** Stop the workspace first, unless it is stopped: the server does both, whatever becomes of this command. */
  restart?: boolean;
};

/** Requests a start, with the parameter values that the flags give and what has to be asked for. */
export async function startBuild(
  context: Context,
  workspace: Workspace,
  options: StartOptions,
): Promise<WorkspaceBuild> {
  const { client } = await context.session();
  const version = options.version ?? versionOfStart(workspace);
  const [parameters, previous, given] = await Promise.all([
    client.templateVersionRichParameters({ params: { version } }),
    client.workspaceBuildParameters({ params: { build: workspace.latest_build.id } }),
    readParameterFlags(options),
  ]);
  const values: NameValue[] = await resolveParameters(context, {
    parameters,
    given,
    previous,
    isUpdate: true,
    yes: options.yes,
  });
  return createBuild(client, workspace, {
    transition: "start",
    template_version_id: version,
    rich_parameter_values: values,
    ...(options.restart ? { restart: true } : {}),
    ...(options.reason ? { reason: options.reason } : {}),
  });
}

/** A workspace that follows its template, or has to, starts on the active version. */
function versionOfStart(workspace: Workspace): string {
  const follows = workspace.automatic_updates === "always" || workspace.template_require_active_version;
  return follows ? workspace.template_active_version_id : workspace.latest_build.template_version_id;
}
