import type { Registry } from "prom-client";
import { type ClaimReplacements, createClaimReplacements } from "./builds/claim-replacements.js";
import { createClaimFacts } from "./builds/claim-replacements-store.js";
import type { Notifier } from "./notifications/notifier.js";
import type { Platform } from "./platform.js";
import { PrebuildMetrics } from "./prebuilds/metrics.js";
import { createReconciler, type ReconcilerOptions } from "./prebuilds/reconcile.js";
import { createPrebuilds, type Prebuilds } from "./prebuilds/service.js";
import { createPrebuildStore } from "./prebuilds/store.js";

/** Workspaces that are built in advance. */
export function createPrebuildSide(
  { config, db, unitOfWork, clock, logger }: Platform,
  {
    requireTemplate,
    ...nouns
  }: Pick<ReconcilerOptions, "builds" | "jobs" | "audit" | "notifier"> &
    Pick<Parameters<typeof createPrebuilds>[0], "requireTemplate">,
): Prebuilds {
  const store = createPrebuildStore(db);
  const rules = {
    backoffIntervalMs: config.CODER_WORKSPACE_PREBUILDS_RECONCILIATION_BACKOFF_INTERVAL,
    backoffLookbackMs: config.CODER_WORKSPACE_PREBUILDS_RECONCILIATION_BACKOFF_LOOKBACK_PERIOD,
    failureHardLimit: config.CODER_WORKSPACE_PREBUILDS_FAILURE_HARD_LIMIT,
  };
  return createPrebuilds({
    store,
    outside: createPrebuildStore(unitOfWork.outside),
    reconcile: createReconciler({ store, ...nouns, rules, clock, logger }),
    requireTemplate,
    afterCommit: unitOfWork.afterCommit,
    clock,
  });
}

/** Who is told of resources that claims replace. */
export function claimReplacementsOf(
  { db, unitOfWork }: Platform,
  notifier: Notifier,
  registry: Registry,
): ClaimReplacements {
  const metrics = new PrebuildMetrics(registry);
  return createClaimReplacements({
    factsOf: createClaimFacts(db),
    notifier,
    unitOfWork,
    onReplaced: (facts) => metrics.replaced(facts),
  });
}
