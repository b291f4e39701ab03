import { randomUUID } from "node:crypto";
import { type Clock, errorMessage, isFleetError, type Logger } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { requireUser } from "../auth/authorizer.js";
import type { PlanAhead } from "../builds/ahead.js";
import type { BuildStore } from "../builds/store.js";
import type { InWorkspace } from "../builds/writer.js";
import type { ProvisionerJobs } from "../provisionerjobs/service.js";
import { JOB_PRIORITY, statusOf } from "../provisionerjobs/status.js";
import { completeTags, type Tags } from "../provisionerjobs/tags.js";
import type { TemplateVersions } from "../templateversions/service.js";
import { VersionNotPlannable } from "./errors.js";
import { cancelJobs, enqueuePlan } from "./service.js";
import type { NewPlan, PlanStore, SurveyRow } from "./store.js";

export type WorkspaceOutcome = "pending" | "unchanged" | "changes" | "replaces" | "loses_data" | "failed";

/** A workspace, and what a version would change in it. */
export type SurveyedWorkspace = SurveyRow & { outcome: WorkspaceOutcome; addresses: string[] };

export type Survey = {
  versionId: string;
  /** Number of the template's workspaces, planned or not. */
  total: number;
  /** Worst first. */
  workspaces: SurveyedWorkspace[];
};

/** What a version would change in the workspaces of its template, before anybody promotes it. */
export type Surveys = {
  /**
   * Plans the version for the template's most recently used workspaces, a few at a time, in place of its earlier plans.
   * @throws VersionNotPlannable.
   */
  start(actor: Actor, versionId: string, limit: number): Promise<Survey>;
  get(actor: Actor, versionId: string): Promise<Survey>;
  /** Cancels and deletes the version's plans. */
  cancel(actor: Actor, versionId: string): Promise<void>;
  /** Queues waiting plans while there is room. Run when plans end, and from time to time. */
  carryOn(): Promise<void>;
};

/** Surveys' plans in the queue at a time, over all versions: enough for several daemons, and few for interactive work. */
const SURVEY_PARALLEL = 4;
export const SURVEY_MS = 5_000;
const SHOWN_ADDRESSES = 10;
const WORST_FIRST: readonly WorkspaceOutcome[] = [
  "loses_data",
  "failed",
  "replaces",
  "changes",
  "unchanged",
  "pending",
];

export type SurveysOptions = {
  store: PlanStore;
  builds: Pick<BuildStore, "version">;
  versions: TemplateVersions;
  ahead: PlanAhead;
  inWorkspace: InWorkspace;
  jobs: ProvisionerJobs;
  clock: Clock;
  logger: Logger;
};

export function createSurveys(options: SurveysOptions): Surveys {
  const { store, builds, versions, ahead, inWorkspace, jobs, clock, logger } = options;

  async function survey(versionId: string, templateId: string | null): Promise<Survey> {
    const rows = await store.survey(versionId);
    const workspaces = rows.map((row) => ({ ...row, ...outcomeOf(row) }));
    const rank = ({ outcome }: SurveyedWorkspace) => WORST_FIRST.indexOf(outcome);
    workspaces.sort((a, b) => rank(a) - rank(b));
    return { versionId, total: templateId ? await store.countWorkspaces(templateId) : 0, workspaces };
  }

  /** The workspace's plan, or why it cannot be planned: its parameters may no longer fit, for example. */
  async function planOf(userId: string, workspaceId: string, versionId: string): Promise<NewPlan> {
    const plan: NewPlan = {
      id: randomUUID(),
      workspaceId,
      templateVersionId: versionId,
      initiatorId: userId,
      transition: "start",
      parameters: [],
      skipRefresh: true,
      survey: true,
      jobId: null,
      error: "",
      createdAt: clock.now(),
    };
    try {
      const request = { transition: "start" as const, versionId, parameters: [] };
      await ahead.existing(workspaceId, request, () => {});
      const { parameters } = await inWorkspace(workspaceId, (scope) => scope.plan(request, true));
      return { ...plan, parameters };
    } catch (error) {
      if (!isFleetError(error) || error.code === "internal") throw error;
      return { ...plan, error: error.message };
    }
  }

  async function carryOn(): Promise<void> {
    const pending = await store.transaction(async (tx) => {
      await store.lockQueue(tx);
      const room = SURVEY_PARALLEL - (await store.countQueued(tx));
      if (room <= 0) return [];
      const queued = [];
      for (const { id, templateVersionId, initiatorId, organizationId, ownerId } of await store.waiting(
        tx,
        room,
      )) {
        const version = await builds.version(tx, templateVersionId);
        if (!version) {
          await store.giveUp(tx, id, "The version no longer exists.");
          continue;
        }
        const priority = JOB_PRIORITY.scheduled;
        const tags = completeTags({ ...(version.tags as Tags), ...version.workspaceTags }, ownerId);
        const plan = { id, version, organizationId, tags, initiatorId, priority };
        const job = await enqueuePlan(jobs, tx, plan);
        await store.queued(tx, id, job.id);
        queued.push(job);
      }
      return queued;
    });
    for (const job of pending) jobs.announce(job);
  }

  return {
    async start(actor, versionId, limit) {
      const { userId } = requireUser(actor);
      const row = await versions.require(actor, "update", versionId);
      const { templateId } = row;
      if (!templateId) throw new VersionNotPlannable("The version does not belong to a template.");
      if (statusOf(row.job) !== "succeeded") {
        throw new VersionNotPlannable("Only a version that was imported successfully can be planned.");
      }
      const { ids } = await store.workspacesOf(templateId, limit);
      const plans: NewPlan[] = [];
      for (const id of ids) plans.push(await planOf(userId, id, versionId));
      const dropped = await store.transaction(async (tx) => {
        const ended = await store.dropSurvey(tx, versionId);
        await store.insert(tx, plans);
        return ended;
      });
      await cancelJobs(jobs, dropped);
      // The next round does it otherwise.
      await carryOn().catch((error) => logger.debug("could not queue plans", { error: errorMessage(error) }));
      return survey(versionId, templateId);
    },

    async get(actor, versionId) {
      const { templateId } = await versions.require(actor, "update", versionId);
      return survey(versionId, templateId);
    },

    async cancel(actor, versionId) {
      await versions.require(actor, "update", versionId);
      await cancelJobs(jobs, await store.transaction((tx) => store.dropSurvey(tx, versionId)));
    },

    carryOn,
  };
}

function outcomeOf({ error, ended, result }: SurveyRow): Pick<SurveyedWorkspace, "outcome" | "addresses"> {
  if (error !== "") return { outcome: "failed", addresses: [] };
  if (!ended || !result) return { outcome: "pending", addresses: [] };
  const addressesOf = (list: typeof result.changes) =>
    list.slice(0, SHOWN_ADDRESSES).map(({ address }) => address);
  const lost = result.changes.filter((change) => change.loses_data);
  if (lost.length > 0) return { outcome: "loses_data", addresses: addressesOf(lost) };
  const replaced = result.changes.filter(({ action }) => action === "replace" || action === "destroy");
  if (replaced.length > 0) return { outcome: "replaces", addresses: addressesOf(replaced) };
  return { outcome: result.changes.length > 0 ? "changes" : "unchanged", addresses: [] };
}
