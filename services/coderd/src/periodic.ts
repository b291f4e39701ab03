import type { Clock, Logger } from "@fleet/base";
import type { Redis } from "ioredis";
import type { HoldStore } from "./activity/holds-store.js";
import type { AgentMetadataValues } from "./agents/metadata.js";
import type { Audit } from "./audit/service.js";
import type { BuildEvents } from "./builds/events.js";
import { CARRY_ON_MS, type Restarts } from "./builds/restarts.js";
import type { Builds } from "./builds/service.js";
import { endLostConnections } from "./connectionlog/reports-store.js";
import type { Database } from "./database/client.js";
import type { Dbcrypt } from "./dbcrypt/dbcrypt.js";
import type { EncryptedColumns } from "./dbcrypt/store.js";
import type { Insights } from "./insights/service.js";
import type { Kinds } from "./job-kinds.js";
import { purge, type Retention } from "./jobs/purge-store.js";
import { mayRun, type OnRun, startPeriodicJobs } from "./jobs/runner.js";
import type { Notifier } from "./notifications/notifier.js";
import type { Plans } from "./plans/service.js";
import { SURVEY_MS, type Surveys } from "./plans/survey.js";
import type { Policies } from "./policies/service.js";
import type { Prebuilds } from "./prebuilds/service.js";
import { DAEMON_KEPT_MS } from "./provisionerdaemons/service.js";
import type { DaemonStore } from "./provisionerdaemons/store.js";
import type { JobQueue } from "./provisionerjobs/queue.js";
import { createReaper, reapJobs } from "./provisionerjobs/reap.js";
import { keepQueueReconciled } from "./provisionerjobs/reconcile.js";
import type { EndedJob, JobStore } from "./provisionerjobs/store.js";
import type { Pubsub } from "./pubsub/pubsub.js";
import { ROLLOUTS_MS, type Rollouts } from "./rollouts/service.js";
import type { OidcTokens } from "./signin/tokens.js";
import { keepSchedules } from "./workspaces/lifecycle.js";
import type { LifecycleStore } from "./workspaces/lifecycle-store.js";

export type PeriodicOptions = {
  jobStore: JobStore;
  queue: JobQueue;
  kinds: Kinds;
  onEnd(ended: readonly EndedJob[]): void;
  jobLostAfterMs: number;
  encrypted: EncryptedColumns;
  crypt: Dbcrypt;
  oidcTokens: OidcTokens;
  statesKept: number;
  retention: Retention;
  builds: Builds;
  restarts: Restarts;
  plans: Plans;
  surveys: Surveys;
  rollouts: Rollouts;
  prebuilds: Prebuilds;
  /** How often prebuilds are reconciled. */
  prebuildsMs: number;
  policies: Policies;
  lifecycleStore: LifecycleStore;
  holdStore: HoldStore;
  /** How often schedules are looked at. */
  schedulesEveryMs: number;
  audit: Audit;
  notifier: Notifier;
  buildEvents: BuildEvents;
  daemonStore: DaemonStore;
  agentMetadata: AgentMetadataValues;
  insights: Pick<Insights, "count">;
  db: Database;
  redis: Redis;
  prefix: string;
  pubsub: Pubsub;
  clock: Clock;
  logger: Logger;
  onRun: OnRun;
};

const RECONCILE_MS = 5_000;
const REAP_MS = 5_000;
const OVERDUE_PLANS_MS = 60_000;
const FORGET_PLANS_MS = 3_600_000;
/** How often the weekly report may turn out to be due. */
const REPORT_MS = 3_600_000;
const FORGET_DAEMONS_MS = 3_600_000;
/** How often agent metadata is flushed from Redis to Postgres; at most this much is lost when Redis is flushed. */
const FLUSH_METADATA_MS = 15_000;
/** How far insights are behind. */
const COUNT_USAGE_MS = 60_000;
const LOST_CONNECTIONS_MS = 60_000;
/** Less than the time before its expiry at which a token is refreshed. */
const REFRESH_OIDC_MS = 30_000;
const PURGE_MS = 10 * 60_000;
const ENCRYPT_MS = 10 * 60_000;
/** States per statement, which are held in memory together, and statements per run. */
const ENCRYPT_BATCH = 10;
const ENCRYPT_ROUNDS = 500;

/** Starts everything that coderd does by the clock: it keeps jobs moving, workspaces on schedule and tables small. */
export function startPeriodicWork(options: PeriodicOptions): { close(): Promise<void> } {
  const { jobStore: store, queue, kinds, onEnd, jobLostAfterMs: lostAfterMs, builds, restarts } = options;
  const { encrypted, crypt, statesKept, retention, plans, surveys, rollouts, policies } = options;
  const { lifecycleStore, audit, notifier, buildEvents } = options;
  const { daemonStore, agentMetadata } = options;
  const { db, redis, prefix, pubsub, clock, logger, onRun } = options;
  const reconciler = keepQueueReconciled({
    store,
    queue,
    clock,
    logger,
    intervalMs: RECONCILE_MS,
    async mayRun() {
      const chosen = await mayRun(redis, `${prefix}:lock:reconcile`, RECONCILE_MS);
      if (chosen) onRun("reconcile");
      return chosen;
    },
  });
  const reaper = createReaper({
    reap: () => reapJobs({ store, kinds, queue, pubsub, clock, logger, lostAfterMs, onEnd }),
    probe: store.probe,
    clock,
    lostAfterMs,
  });
  // On each replica run those that are a single statement, which matches nothing if another replica already ran it.
  const periodic = startPeriodicJobs({
    jobs: [
      { name: "reap", everyMs: REAP_MS, eachReplica: true, run: reaper.run },
      { name: "restarts", everyMs: CARRY_ON_MS, eachReplica: true, run: restarts.carryOn },
      { name: "surveys", everyMs: SURVEY_MS, run: () => surveys.carryOn() },
      { name: "prebuilds", everyMs: options.prebuildsMs, run: () => options.prebuilds.reconcile() },
      { name: "rollouts", everyMs: ROLLOUTS_MS, run: () => rollouts.carryOn() },
      { name: "cancel-overdue-plans", everyMs: OVERDUE_PLANS_MS, run: () => plans.cancelOverdue() },
      {
        name: "lifecycle",
        everyMs: options.schedulesEveryMs,
        run: () => keepSchedules({ store: lifecycleStore, builds, audit, notifier, clock, logger }),
      },
      { name: "holds", everyMs: options.schedulesEveryMs, run: () => options.holdStore.follow(clock.now()) },
      { name: "failed-builds-report", everyMs: REPORT_MS, run: () => buildEvents.summarize() },
      {
        name: "forget-daemons",
        everyMs: FORGET_DAEMONS_MS,
        run: () => daemonStore.deleteUnseen(new Date(clock.now().getTime() - DAEMON_KEPT_MS)),
      },
      { name: "count-usage", everyMs: COUNT_USAGE_MS, run: () => options.insights.count() },
      { name: "flush-agent-metadata", everyMs: FLUSH_METADATA_MS, run: () => agentMetadata.flush() },
      {
        name: "end-lost-connections",
        everyMs: LOST_CONNECTIONS_MS,
        eachReplica: true,
        run: () => endLostConnections({ db, clock }),
      },
      { name: "forget-judged-plans", everyMs: FORGET_PLANS_MS, run: () => policies.forgetPlans() },
      {
        name: "refresh-oidc-tokens",
        everyMs: REFRESH_OIDC_MS,
        run: () => options.oidcTokens.refreshExpiring(),
      },
      { name: "purge", everyMs: PURGE_MS, run: () => purge({ db, clock, statesKept, retention }) },
      { name: "encrypt", everyMs: ENCRYPT_MS, run: () => encrypt(encrypted, crypt) },
    ],
    redis,
    prefix,
    clock,
    logger,
    onRun,
  });
  return {
    async close() {
      await Promise.all([reconciler.close(), periodic.close(), restarts.close()]);
      await queue.close();
    },
  };
}

/** Encrypts what is stored in plain text or with an earlier key. */
async function encrypt(columns: EncryptedColumns, crypt: Dbcrypt): Promise<void> {
  if (crypt.keyId === undefined) return;
  for (let round = 0; round < ENCRYPT_ROUNDS; round++) {
    if ((await columns.reseal(crypt, crypt, ENCRYPT_BATCH)) < ENCRYPT_BATCH) return;
  }
}
