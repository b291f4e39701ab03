import type { Clock } from "@fleet/base";
import type { Action } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { accessOf } from "../auth/template-access.js";
import type { Files } from "../files/service.js";
import type { ProvisionerJobs } from "../provisionerjobs/service.js";
import type { JobLog } from "../provisionerjobs/store.js";
import type { JobView } from "../provisionerjobs/view-store.js";
import type { ResourceRow, ResourceStore } from "../resources/store.js";
import { BadVersion, ImportNotDone, VersionNotFound } from "./errors.js";
import type { Examples } from "./examples.js";
import type { ParameterRow, PresetRow, VariableRow, VersionPage, VersionRow, VersionStore } from "./store.js";
import {
  type CreateDryRun,
  type CreateVersion,
  checkText,
  createVersionWriter,
  type DryRunValues,
} from "./writer.js";

/** Template versions: import, read, dry-run and archive them. */
export type TemplateVersions = {
  /**
   * The version, if the actor may perform this action on its template, or on its organization if it has no template.
   */
  require(actor: Actor, action: Action, id: string): Promise<VersionRow>;
  /** The version with its job. */
  withJob(row: VersionRow): Promise<Version>;
  /** @throws VersionNotFound if it does not exist or the actor may not read it. */
  get(actor: Actor, id: string): Promise<Version>;
  /** @throws VersionNotFound if it does not exist or the actor may not read it. */
  getByName(actor: Actor, templateId: string, name: string): Promise<Version>;
  /** The version before the one with this name; undefined if that is the first. */
  previous(actor: Actor, templateId: string, name: string): Promise<Version | undefined>;
  /** One page of the template's versions, oldest first. */
  list(actor: Actor, templateId: string, page: VersionPage): Promise<Version[]>;
  /** Creates the version and its import job, and queues the job; once per idempotency key. */
  create(actor: Actor, request: CreateVersion): Promise<Version>;
  /** Updates the version's name or message. */
  update(
    actor: Actor,
    id: string,
    change: { name?: string | undefined; message?: string | undefined },
  ): Promise<Version>;
  /** Cancels the import. */
  cancel(actor: Actor, id: string): Promise<void>;
  /** The active version cannot be archived. */
  setArchived(actor: Actor, id: string, archived: boolean): Promise<void>;
  /** For actors who may update the template. */
  archiveUnused(templateId: string, all: boolean): Promise<string[]>;
  /** The version, once it is imported, for actors who may read it. @throws ImportNotDone. */
  requireImported(actor: Actor, id: string): Promise<VersionRow>;
  /** The version's parameters, available once it is imported. */
  parameters(actor: Actor, id: string): Promise<ParameterRow[]>;
  /** The version's Terraform variables with their values, for actors who may update the template. */
  variables(actor: Actor, id: string): Promise<VariableRow[]>;
  /** The version's presets of parameter values. */
  presets(actor: Actor, id: string): Promise<PresetRow[]>;
  /** External auth providers that the template requires. None can be configured, so no user is signed in to one. */
  externalAuth(actor: Actor, id: string): Promise<{ id: string; optional: boolean }[]>;
  /** The resources of a workspace of this version. */
  resources(actor: Actor, id: string): Promise<ResourceRow[]>;
  /** The first lines of the import's log between the ids `after` and `before`, both exclusive. */
  logs(
    actor: Actor,
    id: string,
    range: { after?: number | undefined; before?: number | undefined },
  ): Promise<JobLog[]>;
  /** Every line of the import's log after `after`, until the import has ended. */
  followLogs(
    actor: Actor,
    id: string,
    after: number | undefined,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<JobLog>>;
  /** Plans the resources of a workspace; once per idempotency key. */
  dryRun(actor: Actor, id: string, request: CreateDryRun): Promise<JobView>;
  /**
   * The dry run's job. @throws VersionNotFound if it is not a dry run of this version, or the actor may not update it.
   */
  requireDryRun(actor: Actor, versionId: string, jobId: string): Promise<JobView>;
  /** Cancels the dry run. */
  cancelDryRun(actor: Actor, versionId: string, jobId: string): Promise<void>;
};

export type Version = { row: VersionRow; job: JobView };

export type TemplateVersionsOptions = {
  store: VersionStore;
  files: Files;
  examples: Examples;
  jobs: ProvisionerJobs;
  dryRunValues: DryRunValues;
  resources: ResourceStore;
  clock: Clock;
};

export function createTemplateVersions(options: TemplateVersionsOptions): TemplateVersions {
  const { store, jobs, resources, clock } = options;
  const writer = createVersionWriter(options);

  async function require(actor: Actor, action: Action, id: string): Promise<VersionRow> {
    return requireRow(actor, action, await store.find(id));
  }

  function requireRow(actor: Actor, action: Action, row: VersionRow | null): VersionRow {
    if (!row) throw new VersionNotFound();
    const object = row.template
      ? accessOf(row.template)
      : // Its creator may read it.
        {
          type: "template" as const,
          orgId: row.organizationId,
          acl: { users: { [row.createdBy]: ["read" as const] }, groups: {} },
        };
    authorizer.require(actor, action, object, new VersionNotFound());
    return row;
  }

  const withJob = async (row: VersionRow): Promise<Version> => (await withJobs([row]))[0]!;

  async function withJobs(rows: readonly VersionRow[]): Promise<Version[]> {
    const views = await jobs.views(rows.map((row) => row.jobId));
    return Promise.all(
      rows.map(async (row) => {
        const job = views.get(row.jobId)!;
        // A row that was read before its job's end was stored: the end sets its readme, among others.
        const current = job.completedAt && !row.job.completedAt ? await store.find(row.id) : row;
        return { row: current ?? row, job };
      }),
    );
  }

  function requireDone(row: VersionRow): void {
    if (!row.job.completedAt) throw new ImportNotDone();
  }

  async function requireDryRun(actor: Actor, versionId: string, jobId: string): Promise<JobView> {
    const row = await require(actor, "update", versionId);
    const view = (await jobs.views([jobId])).get(jobId);
    if (view?.type !== "template_version_dry_run" || view.templateVersionId !== row.id)
      throw new VersionNotFound();
    return view;
  }

  return {
    require,
    withJob,

    get: async (actor, id) => withJob(await require(actor, "read", id)),

    async getByName(actor, templateId, name) {
      return withJob(requireRow(actor, "read", await store.findByName(templateId, name)));
    },

    async previous(actor, templateId, name) {
      const row = requireRow(actor, "read", await store.findByName(templateId, name));
      const before = await store.previous(templateId, row.createdAt);
      return before ? withJob(requireRow(actor, "read", before)) : undefined;
    },

    async list(actor, templateId, page) {
      const rows = await store.list(templateId, page);
      return withJobs(rows.map((row) => requireRow(actor, "read", row)));
    },

    create(actor, request) {
      return jobs.once(
        request.idempotency,
        async (job) => withJob(await require(actor, "read", String(job.input.template_version_id))),
        async () => withJob((await store.find(await writer.version(actor, request)))!),
      );
    },

    async update(actor, id, change) {
      const row = await require(actor, "update", id);
      const name = change.name || row.name;
      const message = change.message ?? row.message;
      checkText(name, message);
      await store.update(id, { name, message });
      return withJob((await store.find(id))!);
    },

    async cancel(actor, id) {
      const row = await require(actor, "update", id);
      await jobs.cancel(row.jobId);
    },

    async setArchived(actor, id, archived) {
      const row = await require(actor, "update", id);
      if (archived && row.template?.activeVersionId === id) {
        throw new BadVersion("id", "The active version cannot be archived. Promote another one first.");
      }
      if (archived) requireDone(row);
      if (!(await store.setArchived(id, archived))) {
        throw new BadVersion("id", "The version takes part in a rollout. Finish or abort the rollout first.");
      }
    },

    archiveUnused: (templateId, all) => store.archiveUnused(templateId, all, clock.now()),

    async requireImported(actor, id) {
      const row = await require(actor, "read", id);
      requireDone(row);
      return row;
    },

    async parameters(actor, id) {
      requireDone(await require(actor, "read", id));
      return store.parameters(id);
    },

    async variables(actor, id) {
      await require(actor, "update", id);
      return store.variables(id);
    },

    async presets(actor, id) {
      requireDone(await require(actor, "read", id));
      return store.presets(id);
    },

    async externalAuth(actor, id) {
      const row = await require(actor, "read", id);
      requireDone(row);
      return row.externalAuthProviders as { id: string; optional: boolean }[];
    },

    async resources(actor, id) {
      const row = await require(actor, "read", id);
      return (await resources.ofJobs([row.jobId])).get(row.jobId) ?? [];
    },

    async logs(actor, id, range) {
      return jobs.logs((await require(actor, "read", id)).jobId, range);
    },

    async followLogs(actor, id, after, signal) {
      return jobs.followLogs((await require(actor, "read", id)).jobId, after, signal);
    },

    dryRun(actor, id, request) {
      return jobs.once(
        request.idempotency,
        (job) => requireDryRun(actor, id, job.id),
        async () => {
          const row = await require(actor, "update", id);
          requireDone(row);
          return jobs.view(await writer.dryRun(requireUser(actor).userId, row, request));
        },
      );
    },

    requireDryRun,

    async cancelDryRun(actor, versionId, jobId) {
      await jobs.cancel((await requireDryRun(actor, versionId, jobId)).id);
    },
  };
}
