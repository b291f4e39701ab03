import { randomUUID } from "node:crypto";
import type { Clock } from "@fleet/base";
import type { ParameterValue } from "@fleet/parameters";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { accessOf } from "../auth/template-access.js";
import type { Files } from "../files/service.js";
import type { Idempotency } from "../provisionerjobs/idempotency.js";
import type { ProvisionerJobs } from "../provisionerjobs/service.js";
import { JOB_PRIORITY, statusOf } from "../provisionerjobs/status.js";
import { completeTags, type Tags } from "../provisionerjobs/tags.js";
import { BadVersion, VersionNameTaken, VersionNotFound } from "./errors.js";
import type { Examples } from "./examples.js";
import { randomVersionName } from "./names.js";
import type { VersionRow, VersionStore } from "./store.js";
import type { DryRunInput } from "./work.js";
import type { NameValue } from "./work-store.js";

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
  /** Plan without calling any provider but coder's. */
  mockProviders: boolean;
  idempotency?: Idempotency | undefined;
};

const VERSION_NAME = /^[a-zA-Z0-9]+(?:[_.-]{1}[a-zA-Z0-9]+)*$/;
const NAME_LIMIT = 64;
const MESSAGE_LIMIT = 1_048_576;

/** Creates versions and dry runs with their jobs, and queues the jobs. */
export type VersionWriter = {
  /**
   * Returns the version's id.
   * @throws BadVersion, VersionNameTaken, or VersionNotFound if the actor may not update the template.
   */
  version(actor: Actor, request: CreateVersion): Promise<string>;
  /** Returns the job's id. @throws BadVersion for a version whose import failed. */
  dryRun(initiatorId: string, row: VersionRow, request: CreateDryRun): Promise<string>;
};

/** The values to plan a dry run with. Throws BadParameters. */
export type DryRunValues = (request: {
  versionId: string;
  ownerId: string;
  workspaceName: string;
  given: readonly ParameterValue[];
}) => Promise<ParameterValue[]>;

export type VersionWriterOptions = {
  store: VersionStore;
  files: Files;
  examples: Examples;
  jobs: ProvisionerJobs;
  dryRunValues: DryRunValues;
  clock: Clock;
};

export function createVersionWriter(options: VersionWriterOptions): VersionWriter {
  const { store, files, examples, jobs, dryRunValues, clock } = options;

  /** A version of a template requires permission to update it; one without a template, to create templates. */
  async function requireMayCreate(
    actor: Actor,
    organizationId: string,
    templateId: string | undefined,
  ): Promise<void> {
    const template = templateId ? await store.template(templateId) : undefined;
    if (templateId && template?.organizationId !== organizationId) {
      throw new BadVersion("template_id", "Template not found in this organization.");
    }
    const object = template ? accessOf(template) : ({ type: "template", orgId: organizationId } as const);
    authorizer.require(actor, template ? "update" : "create", object, new VersionNotFound());
  }

  async function fileOf(actor: Actor, request: CreateVersion): Promise<string> {
    if (request.fileId && request.exampleId)
      throw new BadVersion("file_id", "Set either file_id or example_id, not both.");
    if (request.fileId) return (await files.requireForVersion(actor, request.fileId)).id;
    if (!request.exampleId)
      throw new BadVersion("file_id", "Upload the template's archive and set its file ID here.");
    const archive = await examples.archive(request.exampleId);
    return (await files.insert(requireUser(actor).userId, archive.mimetype, archive.data)).id;
  }

  /**
   * The given values plus the active version's values for the rest, so that a push does not have to repeat every
   * value.
   */
  async function valuesOf({ templateId, userVariableValues }: CreateVersion): Promise<NameValue[]> {
    const kept = templateId ? await store.activeValues(templateId) : [];
    const given = new Set(userVariableValues.map(({ name }) => name));
    return [...kept.filter(({ name }) => !given.has(name)), ...userVariableValues];
  }

  return {
    async version(actor, request) {
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
      return id;
    },

    async dryRun(initiatorId, row, request) {
      if (statusOf(row.job) !== "succeeded") {
        throw new BadVersion(
          "template_version_id",
          "The version failed to import, so it cannot be used for a dry run.",
        );
      }
      const values = await dryRunValues({
        versionId: row.id,
        ownerId: initiatorId,
        workspaceName: request.workspaceName,
        given: request.parameters,
      });
      const input: DryRunInput = {
        template_version_id: row.id,
        workspace_name: request.workspaceName,
        rich_parameter_values: values,
        user_variable_values: request.variables,
        mock_providers: request.mockProviders,
      };
      const job = await jobs.enqueue({
        organizationId: row.organizationId,
        initiatorId,
        type: "template_version_dry_run",
        provisioner: row.job.provisioner,
        fileId: row.job.fileId,
        input,
        tags: row.job.tags as Tags,
        priority: JOB_PRIORITY.template,
        idempotency: request.idempotency,
      });
      jobs.announce(job);
      return job.id;
    },
  };
}

export function checkText(name: string, message: string): void {
  if (name.length > NAME_LIMIT || !VERSION_NAME.test(name)) {
    throw new BadVersion(
      "name",
      `The version name must be at most ${NAME_LIMIT} characters: letters and digits, separated by single dots, hyphens or underscores.`,
    );
  }
  if (message.length > MESSAGE_LIMIT) throw new BadVersion("message", "The message is too long.");
}
