import type { TemplateRollout } from "./types/rollouts.js";

/**
 * The version that a new workspace of the template takes if the user chooses none: that of the rollout in progress, for
 * its share of the new workspaces, otherwise the active one. To be drawn before the parameters are asked for, which
 * depend on the version; the server gives a workspace that is created with it a place in the rollout's share.
 */
export function versionOfNewWorkspace(
  template: { active_version_id: string },
  rollouts: readonly TemplateRollout[],
  random: () => number = Math.random,
): string {
  const open = rollouts.find(({ ended_at }) => ended_at === null);
  return open && random() * 100 < open.percent ? open.template_version_id : template.active_version_id;
}
