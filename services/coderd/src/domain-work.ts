import { errorMessage } from "@fleet/base";
import type { Registry } from "prom-client";
import { type Archives, createArchives } from "./archives/service.js";
import { createArchiveStore } from "./archives/store.js";
import type { Audit } from "./audit/service.js";
import type { UserActor } from "./auth/actor.js";
import { createPlanAhead } from "./builds/ahead.js";
import { type ApplyGate, createApplyGate } from "./builds/apply-gate.js";
import { createDataLossStore } from "./builds/data-loss-store.js";
import { type BuildEvents, createBuildEvents } from "./builds/events.js";
import { createBuildEventStore } from "./builds/events-store.js";
import { createExternalAgents, type ExternalAgents } from "./builds/external-agents.js";
import { createExternalAgentStore } from "./builds/external-agents-store.js";
import type { OwnerCredentials } from "./builds/owner-credentials.js";
import { createBuildPlanner } from "./builds/plan.js";
import { createRestartStore } from "./builds/restart-store.js";
import { createRestarts, type Restarts } from "./builds/restarts.js";
import { type Builds, createBuilds } from "./builds/service.js";
import { createStateStore, type StateStore } from "./builds/state-store.js";
import { type BuildStore, createBuildStore } from "./builds/store.js";
import { createDryRunValues } from "./builds/values.js";
import { createBuildKind } from "./builds/work.js";
import { createBuildWorkStore } from "./builds/work-store.js";
import { createInWorkspace } from "./builds/writer.js";
import { claimReplacementsOf, createPrebuildSide } from "./domain-prebuilds.js";
import { createDispatcher, type Dispatcher } from "./evaluations/dispatcher.js";
import { createRelay } from "./evaluations/relay.js";
import { createEvaluations, type Evaluations } from "./evaluations/service.js";
import { createEvaluationStore } from "./evaluations/store.js";
import type { ExternalAuth } from "./externalauth/service.js";
import { createFiles, type Files } from "./files/service.js";
import { createFileStore, type FileStore } from "./files/store.js";
import type { Kinds } from "./job-kinds.js";
import type { Notifier } from "./notifications/notifier.js";
import type { Organizations } from "./organizations/service.js";
import { createPlans, type Plans } from "./plans/service.js";
import { createPlanStore } from "./plans/store.js";
import { createSurveys, type Surveys } from "./plans/survey.js";
import { createPlanKind } from "./plans/work.js";
import type { Platform } from "./platform.js";
import { createEvaluator, type Evaluator } from "./policies/cel/evaluator.js";
import { createJudge } from "./policies/judge.js";
import { createJudgeStore } from "./policies/judge-store.js";
import { createPolicies, type Policies } from "./policies/service.js";
import { createPolicyStore } from "./policies/store.js";
import type { Prebuilds } from "./prebuilds/service.js";
import { createProvisionerDaemons, type ProvisionerDaemons } from "./provisionerdaemons/service.js";
import { createDaemonStore, type DaemonStore } from "./provisionerdaemons/store.js";
import { type Assignments, createAssignments } from "./provisionerjobs/assignments.js";
import { createJobOffers } from "./provisionerjobs/offers.js";
import { createJobQueue, type JobQueue } from "./provisionerjobs/queue.js";
import { createProvisionerJobs, type ProvisionerJobs } from "./provisionerjobs/service.js";
import { createJobStore, type EndedJob, type JobStore } from "./provisionerjobs/store.js";
import { createJobViews } from "./provisionerjobs/view-store.js";
import { createQuotaStore, type QuotaStore } from "./quotas/store.js";
import { createResourceStore, type ResourceStore } from "./resources/store.js";
import { RolloutMetrics } from "./rollouts/metrics.js";
import { createRollouts, type Rollouts } from "./rollouts/service.js";
import { createRolloutStore, type RolloutStore } from "./rollouts/store.js";
import { quietHoursPolicy } from "./schedules/quiet-hours.js";
import { createTemplates, type Templates } from "./templates/service.js";
import { createTemplateStore } from "./templates/store.js";
import { createExamples, type Examples } from "./templateversions/examples.js";
import { createTemplateVersions, type TemplateVersions } from "./templateversions/service.js";
import { createVersionStore } from "./templateversions/store.js";
import { createDryRunKind, createImportKind } from "./templateversions/work.js";
import { createVersionWorkStore, type VersionWorkStore } from "./templateversions/work-store.js";
import type { WorkspaceActivity } from "./workspaces/activity-store.js";
import { createLifecycleStore, type LifecycleStore } from "./workspaces/lifecycle-store.js";
import type { RequiredStops } from "./workspaces/requirements-store.js";
import { createWorkspaces, type Workspaces } from "./workspaces/service.js";
import { createWorkspaceStore } from "./workspaces/store.js";

/** Maximum lifetime of the owner's session in a workspace, which otherwise ends with the workspace's run. */
const MIB = 1024 * 1024;
const WORKSPACE_SESSION_MS = 365 * 24 * 3_600_000;

/** Templates, workspaces and their jobs. */
export type WorkSide = {
  kinds: Kinds;
  /** Called with the jobs that have ended, after that is stored. */
  onEnd(ended: readonly EndedJob[]): void;
  restarts: Restarts;
  plans: Plans;
  surveys: Surveys;
  rollouts: Rollouts;
  buildEvents: BuildEvents;
  buildStore: BuildStore;
  lifecycleStore: LifecycleStore;
  jobStore: JobStore;
  stateStore: StateStore;
  versionWorkStore: VersionWorkStore;
  resourceStore: ResourceStore;
  fileStore: FileStore;
  archives: Archives;
  daemonStore: DaemonStore;
  queue: JobQueue;
  jobs: ProvisionerJobs;
  files: Files;
  examples: Examples;
  templateVersions: TemplateVersions;
  evaluations: Evaluations;
  dispatcher: Dispatcher;
  builds: Builds;
  externalAgents: ExternalAgents;
  assignments: Assignments<Kinds>;
  quotaStore: QuotaStore;
  applyGate: ApplyGate;
  policyEvaluator: Evaluator;
  policies: Policies;
  templates: Templates;
  prebuilds: Prebuilds;
  workspaces: Workspaces;
  provisionerDaemons: ProvisionerDaemons;
};

type WorkSideOptions = {
  audit: Audit;
  organizations: Organizations;
  notifier: Notifier;
  owners: OwnerCredentials;
  externalAuth: ExternalAuth;
  authenticateUser(token: string): Promise<UserActor>;
  activity: WorkspaceActivity;
  requiredStops: RequiredStops;
  onJobsEnded(jobs: readonly EndedJob[]): void;
  registry: Registry;
};

export function createWorkSide(
  platform: Platform,
  { audit, organizations, notifier, owners, externalAuth, activity, registry, ...options }: WorkSideOptions,
): WorkSide {
  const { config, db, crypt, unitOfWork, hot, redis, pubsub, clock, logger } = platform;
  const jobStore = createJobStore(db, hot);
  const stateStore = createStateStore(db, crypt);
  const versionWorkStore = createVersionWorkStore(db, hot);
  const resourceStore = createResourceStore(db);
  const buildStore = createBuildStore(db);
  const versionStore = createVersionStore(db);
  const fileStore = createFileStore(db);
  const daemonStore = createDaemonStore(db);
  const planStore = createPlanStore(db);
  const rolloutStore = createRolloutStore(db);
  const dataLoss = createDataLossStore(db);
  const buildWorkStore = createBuildWorkStore(db, crypt);
  const { judge, ...policySide } = createPolicySide(platform, organizations);
  const buildEvents = createBuildEvents({ store: createBuildEventStore(db), notifier, unitOfWork, clock });
  const planWork = { store: planStore, builds: buildWorkStore, dataLoss, judge, owners };
  const kinds: Kinds = {
    workspace_build: createBuildKind({
      store: buildWorkStore,
      states: stateStore,
      crypt,
      owners,
      events: buildEvents,
      sessionLifetimeMs: Math.min(WORKSPACE_SESSION_MS, config.CODER_MAX_TOKEN_LIFETIME),
      quietHours: quietHoursPolicy(config),
    }),
    template_version_import: createImportKind(versionWorkStore),
    template_version_dry_run: createDryRunKind(versionWorkStore, judge),
    workspace_plan: createPlanKind(planWork),
  };
  const { afterCommit } = unitOfWork;
  const queue = createJobQueue({ redis, prefix: config.CODER_REDIS_PREFIX, logger, afterCommit });
  const jobs = createProvisionerJobs({ store: jobStore, views: createJobViews(db), queue, pubsub, clock });
  const { dispatcher, evaluations } = createEvaluating(platform);
  const files = createFiles({ store: fileStore });
  const examples = createExamples({ folder: config.CODER_TEMPLATES_DIR });
  const templateVersions = createTemplateVersions({
    store: versionStore,
    files,
    examples,
    jobs,
    dryRunValues: createDryRunValues({ versions: versionStore, evaluations }),
    resources: resourceStore,
    clock,
  });
  const plan = createBuildPlanner({ store: buildStore, versions: versionStore, externalAuth });
  const ahead = createPlanAhead({
    database: unitOfWork.outside,
    store: buildStore,
    plan,
    evaluations,
    externalAuth,
  });
  const restartStore = createRestartStore(db);
  const inWorkspace = createInWorkspace({
    store: buildStore,
    states: stateStore,
    restarts: restartStore,
    plan,
    evaluations,
    dataLoss,
    events: buildEvents,
    jobs,
    pubsub,
    clock,
  });
  const restarts = createRestarts({ store: restartStore, inWorkspace, audit, clock, logger });
  const builds = createBuilds({
    store: buildStore,
    states: stateStore,
    versions: versionStore,
    resources: resourceStore,
    jobs,
    inWorkspace,
    ahead,
    restarts,
    restartStore,
    pubsub,
    clock,
  });
  const quotaStore = createQuotaStore(db);
  const planning = { store: planStore, ahead, inWorkspace, jobs, clock };
  const plans = createPlans(planning);
  const surveys = createSurveys({ ...planning, builds: buildStore, versions: templateVersions, logger });
  const { templates, rollouts } = createTemplateSide(platform, {
    rolloutStore,
    versions: templateVersions,
    requiredStops: options.requiredStops,
    audit,
    notifier,
    registry,
  });
  const nouns = { builds, jobs, audit, notifier, requireTemplate: templates.require };
  const prebuilds = createPrebuildSide(platform, nouns);
  const claims = claimReplacementsOf(platform, notifier, registry);
  /** Ended stops may have starts that follow. The next round retries what fails here. */
  function onEnd(ended: readonly EndedJob[]): void {
    const types = new Set(ended.map(({ type }) => type));
    const failed = (error: unknown) =>
      logger.debug("could not continue after a job", { error: errorMessage(error) });
    if (types.has("workspace_build")) restarts.carryOn().catch(failed);
    if (types.has("workspace_plan")) surveys.carryOn().catch(failed);
    options.onJobsEnded(ended);
  }
  return {
    kinds,
    onEnd,
    restarts,
    plans,
    surveys,
    rollouts,
    buildEvents,
    buildStore,
    lifecycleStore: createLifecycleStore(db),
    jobStore,
    stateStore,
    versionWorkStore,
    resourceStore,
    fileStore,
    archives: archivesOf(platform),
    daemonStore,
    queue,
    jobs,
    files,
    examples,
    templateVersions,
    evaluations,
    dispatcher,
    builds,
    externalAgents: externalAgentsOf(platform, stateStore),
    assignments: createAssignments({
      store: jobStore,
      kinds,
      pubsub,
      clock,
      onEnd,
      onReleased: jobs.announce,
    }),
    quotaStore,
    applyGate: createApplyGate({ quotas: quotaStore, dataLoss, judge, claims, jobs: jobStore }),
    prebuilds,
    ...policySide,
    templates,
    workspaces: createWorkspaces({
      store: createWorkspaceStore(db),
      builds,
      ahead,
      newWorkspace: rolloutStore.newWorkspace,
      events: buildEvents,
      prebuilds,
      notifier,
      buildStore,
      versions: versionStore,
      evaluations,
      jobs,
      activity,
      pubsub,
      clock,
    }),
    provisionerDaemons: daemonsOf(platform, daemonStore, jobStore, options.authenticateUser),
  };
}

/** Evaluations of templates for forms and starts: on any replica's daemons, outside of transactions. */
function createEvaluating({ config, unitOfWork, redis, pubsub, clock, logger }: Platform) {
  const store = createEvaluationStore(unitOfWork.outside);
  const dispatcher = createDispatcher({
    store,
    relay: createRelay({ redis, prefix: config.CODER_REDIS_PREFIX, pubsub, logger }),
    clock,
    logger,
  });
  const versions = createVersionStore(unitOfWork.outside);
  return { dispatcher, evaluations: createEvaluations({ store, versions, dispatcher, clock }) };
}

function daemonsOf(
  { config, pubsub, clock, logger }: Platform,
  store: DaemonStore,
  jobs: JobStore,
  authenticateUser: WorkSideOptions["authenticateUser"],
): ProvisionerDaemons {
  return createProvisionerDaemons({
    store,
    jobs,
    authenticateUser,
    pubsub,
    clock,
    psk: config.CODER_PROVISIONER_DAEMON_PSK,
    jobOffers: createJobOffers({ store: jobs, pubsub, clock, logger }),
  });
}

/** Templates, and the rollouts of their versions. */
function createTemplateSide(
  { db, clock, logger }: Platform,
  {
    rolloutStore,
    versions,
    requiredStops,
    audit,
    notifier,
    registry,
  }: {
    rolloutStore: RolloutStore;
    versions: TemplateVersions;
    requiredStops: RequiredStops;
    audit: Audit;
    notifier: Notifier;
    registry: Registry;
  },
): { templates: Templates; rollouts: Rollouts } {
  const templates = createTemplates({
    store: createTemplateStore(db),
    versions,
    rollouts: rolloutStore,
    requiredStops,
    notifier,
    clock,
  });
  const rollouts = createRollouts({
    store: rolloutStore,
    requireTemplate: templates.require,
    audit,
    metrics: new RolloutMetrics(registry),
    clock,
    logger,
  });
  return { templates, rollouts };
}

function externalAgentsOf({ config, db }: Platform, states: StateStore): ExternalAgents {
  return createExternalAgents({
    store: createExternalAgentStore(db),
    stateOf: states.asOf,
    accessUrl: config.CODER_ACCESS_URL,
  });
}

function archivesOf({ config, db, clock }: Platform): Archives {
  return createArchives({
    store: createArchiveStore(db),
    limits: {
      enabled: config.CODER_TEMPLATE_CACHE,
      archiveBytes: config.CODER_TEMPLATE_CACHE_ARCHIVE_MIB * MIB,
      totalBytes: config.CODER_TEMPLATE_CACHE_TOTAL_MIB * MIB,
    },
    clock,
  });
}

/** Policies, and who judges plans by them. */
function createPolicySide({ db, crypt, clock }: Platform, organizations: Organizations) {
  const policyEvaluator = createEvaluator({ clock });
  const judgeStore = createJudgeStore(db, crypt);
  return {
    policyEvaluator,
    judge: createJudge({ store: judgeStore, evaluator: policyEvaluator, clock }),
    policies: createPolicies({
      store: createPolicyStore(db),
      judgeStore,
      evaluator: policyEvaluator,
      organizations,
      clock,
    }),
  };
}
