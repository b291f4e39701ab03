import type { BuildReason, NameValue, Workspace, WorkspaceBuild } from "@fleet/sdk";
import type { Context } from "../context.js";
import { type BuildRequest, createBuild } from "./build.js";
import { resolveBuildParameters } from "./build-parameters.js";
import { acceptsDefaults, type ParameterFlags, readParameterFlags } from "./parameter-flags.js";
import { consentToBuild, type PlanFlags } from "./plan.js";
import { notePrice } from "./price.js";

export type StartOptions = ParameterFlags &
  PlanFlags & {
    yes?: boolean;
    reason?: BuildReason;
    /** Template version; defaults to the workspace's own. */
    version?: string;
    /** Stop the workspace first if it is running; the server does both, even if this command exits. */
    restart?: boolean;
  };

/**
 * Requests a start, with parameter values from flags and prompts. Undefined if the user only wanted to see its plan.
 */
export async function startBuild(
  context: Context,
  workspace: Workspace,
  options: StartOptions,
): Promise<WorkspaceBuild | undefined> {
  const { client } = await context.session();
  const version = options.version ?? versionOfStart(workspace);
  const [previous, given] = await Promise.all([
    client.workspaceBuildParameters({ params: { build: workspace.latest_build.id } }),
    readParameterFlags(options),
    options.plan ||
      notePrice(context, {
        versionId: version,
        organizationId: workspace.organization_id,
        ownerId: workspace.owner_id,
        costNow: workspace.latest_build.daily_cost,
      }),
  ]);
  const values: NameValue[] = await resolveBuildParameters(
    context,
    {
      version,
      ownerId: workspace.owner_id,
      isClassic: workspace.template_use_classic_parameter_flow !== false,
    },
    { given, previous, isUpdate: true, useDefaults: acceptsDefaults(options) },
  );
  const request: BuildRequest = {
    transition: "start",
    template_version_id: version,
    rich_parameter_values: values,
    ...(options.restart ? { restart: true } : {}),
    ...(options.reason ? { reason: options.reason } : {}),
  };
  const { build, acceptDataLoss } = await consentToBuild(context, workspace, request, options);
  if (!build) return undefined;
  return createBuild(client, workspace, {
    ...request,
    ...(acceptDataLoss ? { accept_data_loss: true } : {}),
  });
}

/**
 * A workspace with automatic updates, one that requires the active version, or one whose version was withdrawn starts on
 * the active version.
 */
function versionOfStart(workspace: Workspace): string {
  const follows =
    workspace.automatic_updates === "always" ||
    workspace.template_require_active_version ||
    workspace.template_version_withdrawn;
  return follows ? workspace.template_active_version_id : workspace.latest_build.template_version_id;
}
