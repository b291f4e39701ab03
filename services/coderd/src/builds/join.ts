import type { ParameterValue } from "@fleet/parameters";
import type { LockedWorkspace } from "./store.js";
import type { BuildRequest } from "./writer.js";

/**
 * Whether the workspace's latest build already does what is requested: it has the same transition and differs in
 * nothing the request names. Two clients that start a workspace at once then share one start.
 * @param values of the latest build.
 */
export function joins(
  workspace: LockedWorkspace,
  request: BuildRequest,
  values: readonly ParameterValue[],
): boolean {
  if (workspace.latestStatus !== "pending" && workspace.latestStatus !== "running") return false;
  if (request.transition !== workspace.latestTransition || request.state || request.orphan) return false;
  if (request.versionId && request.versionId !== workspace.latestVersionId) return false;
  if (request.presetId && request.presetId !== workspace.latestPresetId) return false;
  const running = new Map(values.map(({ name, value }) => [name, value]));
  return request.parameters.every(({ name, value }) => running.get(name) === value);
}
