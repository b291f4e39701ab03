import { duration, integer } from "@fleet/base/settings";

/** Settings of prebuilt workspaces, under upstream's names. */
export const prebuildSettings = {
  CODER_WORKSPACE_PREBUILDS_RECONCILIATION_INTERVAL: duration({
    default: "1m",
    help: "How often prebuilt workspaces are created and deleted so that each preset has as many as it wants; a claim, an invalidation and a resumption also cause it",
  }),
  CODER_WORKSPACE_PREBUILDS_RECONCILIATION_BACKOFF_INTERVAL: duration({
    default: "1m",
    help: "How long to wait after a prebuilt workspace failed before the next one is built, times the number of failures in a row",
  }),
  CODER_WORKSPACE_PREBUILDS_RECONCILIATION_BACKOFF_LOOKBACK_PERIOD: duration({
    default: "1h",
    help: "How long a failed prebuilt workspace counts for the backoff",
  }),
  CODER_WORKSPACE_PREBUILDS_FAILURE_HARD_LIMIT: integer({
    min: 0,
    default: "3",
    help: "Failures in a row after which no more prebuilt workspaces of a preset are built; 0 for no limit",
  }),
};
