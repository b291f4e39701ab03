import { isFleetError } from "@fleet/base";
import type { WorkspaceQuota } from "@fleet/sdk";
import type { Context } from "../context.js";

/** A start whose price is to be shown. */
export type PricedStart = {
  versionId: string;
  organizationId: string;
  ownerId: string;
  /** What the workspace costs now, in credits per day; 0 if it does not exist. */
  costNow: number;
};

export function quotaLine({ credits_consumed: used, budget, limited }: WorkspaceQuota): string {
  return limited === false
    ? `${used} credits per day in use. The quota is unlimited.`
    : `${used} of ${budget} credits per day in use.`;
}

/**
 * Says what a start costs if that is not what the workspace costs now, and whether the quota allows it. The price is that
 * of the version with its default values, which costs one request; `--plan` computes the exact one.
 */
export async function notePrice(context: Context, start: PricedStart): Promise<void> {
  const { client } = await context.session();
  try {
    const resources = await client.templateVersionResources({ params: { version: start.versionId } });
    const cost = resources
      .filter((resource) => resource.workspace_transition === "start")
      .reduce((sum, resource) => sum + resource.daily_cost, 0);
    if (cost === start.costNow) return;
    const quota = await client.memberQuota({
      params: { organization: start.organizationId, user: start.ownerId },
    });
    context.note(`Cost: ${cost} credits per day (now ${start.costNow}). ${quotaLine(quota)}`);
    const others = quota.credits_consumed - start.costNow;
    if (quota.limited === false || cost < start.costNow || others + cost <= quota.budget) return;
    context.note(
      context.colors.yellow(
        "This exceeds the quota, so the build will fail unless its parameter values make it cheaper. Stop or delete another workspace, or ask an administrator for a larger quota.",
      ),
    );
  } catch (error) {
    // The build itself says what is wrong, and the price is no reason not to start.
    if (!isFleetError(error)) throw error;
  }
}
