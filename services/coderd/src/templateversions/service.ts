import { randomUUID } from "node:crypto";
import type { Clock } from "@fleet/base";
import type { ParameterValue } from "@fleet/parameters";
import type { Action } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { accessOf } from "../auth/template-access.js";
import type { Files } from "../files/service.js";
import { resolveParameters } from "../parameters/parameters.js";
import type { ProvisionerJobs } from "../provisionerjobs/service.js";
import { JOB_PRIORITY, statusOf } from "../provisionerjobs/status.js";
import type { Idempotency, JobLog } from "../provisionerjobs/store.js";
import { completeTags, type Tags } from "../provisionerjobs/tags.js";
import type { JobView } from "../provisionerjobs/view-store.js";
import type { ResourceRow, ResourceStore } from "../resources/store.js";
import { BadVersion, ImportNotDone, VersionNameTaken, VersionNotFound } from "./errors.js";
import type { Examples } from "./examples.js";
import { randomVersionName } from "./names.js";
import type { ParameterRow, PresetRow, VariableRow } from "./store.js";
import { definitionOf, type VersionPage, type VersionRow, type VersionStore } from "./store.js";
import type { DryRunInput } from "./work.js";
import type { NameValue } from "./work-store.js";

/** Versions of templates: to import, read, try and archive. */
export type TemplateVersions = {
  /** The version when the actor may do this to its template; a version without a template is its organization's. */
  require(actor: Actor, action: Action, id: string): Promise<VersionRow>;
  /** The version with its job. */
  withJob(row: VersionRow): Promise<Version>;
  /** @throws VersionNotFound where there is none, or the actor may not read it. */
  get(actor: Actor, id: string): Promise<Version>;
  /** @throws VersionNotFound where there is none, or the actor may not read it. */
  getByName(actor: Actor, templateId: string, name: string): Promise<Version>;
  /** The version before the one of this name; undefined where that is the first. */
  previous(actor: Actor, templateId: string, name: string): Promise<Version | undefined>;
  /** One page of the template's versions, oldest first. */
  list(actor: Actor, templateId: string, page: VersionPage): Promise<Version[]>;
  /** Writes the version and its import's job, and sends the job on its way; once for each key. */
  create(actor: Actor, request: CreateVersion): Promise<Version>;
  /** Renames the version, or changes its message. */
  update(
    actor: Actor,
    id: string,
    change: { name?: string | undefined; message?: string | undefined },
  ): Promise<Version>;
  /** Cancels the import. */
  cancel(actor: Actor, id: string): Promise<void>;
  /** The active version cannot be archived. */
  setArchived(actor: Actor, id: string, archived: boolean): Promise<void>;
  /** For whoever may change the template. */
  archiveUnused(templateId: string, all: boolean): Promise<string[]>;
  /** What workspaces of the version are asked, once it is imported. */
  parameters(actor: Actor, id: string): Promise<ParameterRow[]>;
  /** Its Terraform variables with their values, for who may update the template. */
  variables(actor: Actor, id: string): Promise<VariableRow[]>;
  /** Sets of parameter values to choose from. */
  presets(actor: Actor, id: string): Promise<PresetRow[]>;
  /** The external auth providers that the template asks for. None can be configured, so nobody is signed in to one. */
  externalAuth(actor: Actor, id: string): Promise<{ id: string; optional: boolean }[]>;
  /** What a workspace of the version is made of. */
  resources(actor: Actor, id: string): Promise<ResourceRow[]>;
  /** The first lines of the range of the import's log; `after` and `before` are ids of lines, and not among them. */
  logs(
    actor: Actor,
    id: string,
    range: { after?: number | undefined; before?: number | undefined },
  ): Promise<JobLog[]>;
  /** Every line of the import from `after` on, until it has ended. */
  followLogs(
    actor: Actor,
    id: string,
    after: number | undefined,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<JobLog>>;
  /** Plans what a workspace would consist of; once for each key. */
  dryRun(actor: Actor, id: string, request: CreateDryRun): Promise<JobView>;
  /** The job, where it is a dry run of this version. @throws VersionNotFound where not, or for who may not update it. */
  requireDryRun(actor: Actor, versionId: string, jobId: string): Promise<JobView>;
  /** Cancels the dry run. */
  cancelDryRun(actor: Actor, versionId: string, jobId: string): Promise<void>;
};

export type Version = { row: VersionRow; job: JobView };

export type CreateVersion = {
  organizationId: string;
  name?: string | undefined;
  message?: string | undefined;
  templateId?: string | undefined;
  fileId?: string | undefined;
  exampleId?: string | undefined;
  provisioner: "terraform" | "echo";
  tags?: Tags | undefined;
  userVariableValues: NameValue[];
  traceContext?: Record<string, string>;
  idempotency?: Idempotency | undefined;
};

export type CreateDryRun = {
  workspaceName: string;
  parameters: ParameterValue[];
  variables: NameValue[];
  idempotency?: Idempotency | undefined;
};

const VERSION_NAME = /^[a-zA-Z0-9]+(?:[_.-]{1}[a-zA-Z0-9]+)*$/;
const NAME_LIMIT = 64;
const MESSAGE_LIMIT = 1_048_576;

export type TemplateVersionsOptions = {
  store: VersionStore;
  files: Files;
  examples: Examples;
  jobs: ProvisionerJobs;
  resources: ResourceStore;
  clock: Clock;
};

export function createTemplateVersions(options: TemplateVersionsOptions): TemplateVersions {
  const { store, files, examples, jobs, resources, clock } = options;

  async function require(actor: Actor, action: Action, id: string): Promise<VersionRow> {
    return requireRow(actor, action, await store.find(id));
  }

  function requireRow(actor: Actor, action: Action, row: VersionRow | null): VersionRow {
    if (!row) throw new VersionNotFound();
    const object = row.template
      ? accessOf(row.template)
      : // Who has made it may look at it.
        {
          type: "template" as const,
          orgId: row.organizationId,
          acl: { users: { [row.createdBy]: ["read" as const] }, groups: {} },
        };
    authorizer.require(actor, action, object, new VersionNotFound());
    return row;
  }

  /** A version of a template is a change of it; one without is a template to be. */
  async function requireMayCreate(
    actor: Actor,
    organizationId: string,
    templateId: string | undefined,
  ): Promise<void> {
    const template = templateId ? await store.template(templateId) : undefined;
    if (templateId && template?.organizationId !== organizationId) {
      throw new BadVersion("template_id", "There is no such template in this organization.");
    }
    const object = template ? accessOf(template) : ({ type: "template", orgId: organizationId } as const);
    authorizer.require(actor, template ? "update" : "create", object, new VersionNotFound());
  }

  async function withJob(row: VersionRow): Promise<Version> {
    return { row, job: await jobs.view(row.jobId) };
  }

  async function withJobs(rows: readonly VersionRow[]): Promise<Version[]> {
    const views = await jobs.views(rows.map((row) => row.jobId));
    return rows.map((row) => ({ row, job: views.get(row.jobId)! }));
  }

  function requireDone(row: VersionRow): void {
    if (!row.job.completedAt) throw new ImportNotDone();
  }

  async function fileOf(actor: Actor, request: CreateVersion): Promise<string> {
    if (request.fileId && request.exampleId)
      throw new BadVersion("file_id", "Name a file or an example, not both.");
    if (request.fileId) return (await files.requireForVersion(actor, request.fileId)).id;
    if (!request.exampleId)
      throw new BadVersion("file_id", "Upload the template's archive and name its file here.");
    const archive = await examples.archive(request.exampleId);
    return (await files.insert(requireUser(actor).userId, archive.mimetype, archive.data)).id;
  }

  /** What is given, and what the active version has of the rest: a push need not repeat every value. */
  async function valuesOf({ templateId, userVariableValues }: CreateVersion): Promise<NameValue[]> {
    const kept = templateId ? await store.activeValues(templateId) : [];
    const given = new Set(userVariableValues.map(({ name }) => name));
    return [...kept.filter(({ name }) => !given.has(name)), ...userVariableValues];
  }

  async function requireDryRun(actor: Actor, versionId: string, jobId: string): Promise<JobView> {
    const row = await require(actor, "update", versionId);
    const view = (await jobs.views([jobId])).get(jobId);
    if (view?.type !== "template_version_dry_run" || view.templateVersionId !== row.id)
      throw new VersionNotFound();
    return view;
  }

  async function createOne(actor: Actor, request: CreateVersion): Promise<Version> {
    const { userId } = requireUser(actor);
    const name = request.name || randomVersionName();
    checkText(name, request.message ?? "");
    const { organizationId, templateId } = request;
    await requireMayCreate(actor, organizationId, templateId);
    if (templateId && (await store.findByName(templateId, name))) throw new VersionNameTaken(name);
    const fileId = await fileOf(actor, request);
    const values = await valuesOf(request);
    const id = randomUUID();
    const job = await store.transaction(async (tx) => {
      const pending = await jobs.enqueue(
        {
          organizationId,
          initiatorId: userId,
          type: "template_version_import",
          provisioner: request.provisioner,
          fileId,
          input: { template_version_id: id, user_variable_values: values },
          tags: completeTags(request.tags, userId),
          priority: JOB_PRIORITY.template,
          traceContext: request.traceContext ?? {},
          idempotency: request.idempotency,
        },
        tx,
      );
      await store.insert(tx, {
        id,
        templateId: templateId ?? null,
        organizationId,
        name,
        message: request.message ?? "",
        jobId: pending.id,
        createdBy: userId,
        createdAt: clock.now(),
      });
      return pending;
    });
    jobs.announce(job);
    return withJob((await store.find(id))!);
  }

  async function dryRunOne(actor: Actor, id: string, request: CreateDryRun): Promise<JobView> {
    const { userId } = requireUser(actor);
    const row = await require(actor, "update", id);
    requireDone(row);
    if (statusOf(row.job) !== "succeeded") {
      throw new BadVersion(
        "template_version_id",
        "The version's import failed, so it cannot be used for a dry run.",
      );
    }
    const definitions = (await store.parameters(id)).map(definitionOf);
    const values = resolveParameters({
      definitions,
      transition: "start",
      given: request.parameters,
      previous: [],
    });
    const input: DryRunInput = {
      template_version_id: id,
      workspace_name: request.workspaceName,
      rich_parameter_values: values,
      user_variable_values: request.variables,
    };
    const job = await jobs.enqueue({
      organizationId: row.organizationId,
      initiatorId: userId,
      type: "template_version_dry_run",
      provisioner: row.job.provisioner,
      fileId: row.job.fileId,
      input,
      tags: row.job.tags as Tags,
      priority: JOB_PRIORITY.template,
      idempotency: request.idempotency,
    });
    jobs.announce(job);
    return jobs.view(job.id);
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
        () => createOne(actor, request),
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
      await store.setArchived(id, archived);
    },

    archiveUnused: (templateId, all) => store.archiveUnused(templateId, all, clock.now()),

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
        () => dryRunOne(actor, id, request),
      );
    },

    requireDryRun,

    async cancelDryRun(actor, versionId, jobId) {
      await jobs.cancel((await requireDryRun(actor, versionId, jobId)).id);
    },
  };
}

function checkText(name: string, message: string): void {
  if (name.length > NAME_LIMIT || !VERSION_NAME.test(name)) {
    throw new BadVersion(
      "name",
      `A version's name has at most ${NAME_LIMIT} letters, digits, and single dots, hyphens or underscores between them.`,
    );
  }
  if (message.length > MESSAGE_LIMIT) throw new BadVersion("message", "The message is too long.");
}
