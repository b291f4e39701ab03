import { valueFault } from "@fleet/parameters";
import { matches } from "@fleet/parameters/re2";
import type { DynamicParametersResponse } from "@fleet/sdk";
import { injectTraceContext } from "@fleet/telemetry";
import type { Actor } from "../../auth/actor.js";
import { toJobLog, toJobLogs, toMatched, toProvisionerJob } from "../../convert/jobs.js";
import { toDynamicParameter, toParameter, toPreset, toVariable, toVersion } from "../../convert/templates.js";
import { toResource } from "../../convert/workspaces.js";
import type { Organizations } from "../../organizations/service.js";
import type { ProvisionerJobs } from "../../provisionerjobs/service.js";
import type { ResourceStore } from "../../resources/store.js";
import type { TemplateVersions } from "../../templateversions/service.js";
import { definitionOf } from "../../templateversions/store.js";
import type { Handlers } from "../handler.js";

export type TemplateVersionHandlerOptions = {
  templateVersions: TemplateVersions;
  organizations: Organizations;
  jobs: ProvisionerJobs;
  resourceStore: ResourceStore;
  now(): Date;
};

export function createTemplateVersionHandlers(options: TemplateVersionHandlerOptions) {
  const { templateVersions: versions, organizations, jobs, resourceStore, now } = options;

  /** The form for these values; each field reports its own errors. */
  async function evaluate(
    actor: Actor,
    versionId: string,
    request: { id: number; inputs: Record<string, string> },
  ): Promise<DynamicParametersResponse> {
    const rows = await versions.parameters(actor, versionId);
    const parameters = rows.map((row) => {
      const input = Object.hasOwn(request.inputs, row.name) ? request.inputs[row.name] : undefined;
      const value = input ?? (row.required ? undefined : row.defaultValue);
      const problem = input === undefined ? undefined : valueFault(definitionOf(row), input, { matches });
      return toDynamicParameter(row, value, problem);
    });
    return { id: request.id, diagnostics: [], parameters };
  }

  return {
    templateVersionCreate: async ({ actor, params, body, idempotency }) => {
      const { id } = await organizations.require(actor, "read", params.organization);
      const version = await versions.create(actor, {
        organizationId: id,
        name: body.name || undefined,
        message: body.message,
        templateId: body.template_id,
        fileId: body.file_id,
        exampleId: body.example_id || undefined,
        provisioner: body.provisioner ?? "terraform",
        tags: body.tags,
        userVariableValues: body.user_variable_values ?? [],
        traceContext: injectTraceContext(),
        idempotency,
      });
      return toVersion(version);
    },
    templateVersionGet: async ({ actor, params }) => toVersion(await versions.get(actor, params.version)),
    templateVersionUpdate: async ({ actor, params, body }) =>
      toVersion(await versions.update(actor, params.version, body)),
    templateVersionCancel: async ({ actor, params }) => {
      await versions.cancel(actor, params.version);
      return { message: "Job has been marked as canceled..." };
    },
    templateVersionArchive: async ({ actor, params }) => {
      await versions.setArchived(actor, params.version, true);
      return { message: "The template version has been archived." };
    },
    templateVersionUnarchive: async ({ actor, params }) => {
      await versions.setArchived(actor, params.version, false);
      return { message: "The template version has been unarchived." };
    },
    templateVersionLogs: async ({ actor, params, query }) =>
      (await versions.logs(actor, params.version, query)).map(toJobLog),
    templateVersionLogsFollow: async ({ actor, params, query, signal }) =>
      toJobLogs(await versions.followLogs(actor, params.version, query.after, signal)),
    templateVersionRichParameters: async ({ actor, params }) =>
      (await versions.parameters(actor, params.version)).map(toParameter),
    templateVersionVariables: async ({ actor, params }) =>
      (await versions.variables(actor, params.version)).map(toVariable),
    templateVersionExternalAuth: async ({ actor, params }) =>
      (await versions.externalAuth(actor, params.version)).map(({ id, optional }) => ({
        id,
        type: id,
        display_name: id,
        display_icon: "",
        authenticate_url: "",
        authenticated: false,
        optional,
      })),
    templateVersionPresets: async ({ actor, params }) =>
      (await versions.presets(actor, params.version)).map(toPreset),
    templateVersionResources: async ({ actor, params }) =>
      (await versions.resources(actor, params.version)).map((resource) => toResource(resource, now())),
    templateVersionSchema: async ({ actor, params }) => {
      await versions.require(actor, "read", params.version);
      return [];
    },
    templateVersionParameters: async ({ actor, params }) => {
      await versions.require(actor, "read", params.version);
      return [];
    },
    templateVersionDynamicParameters: async ({ actor, params, query, received }) => {
      const first = { id: -1, inputs: {}, owner_id: query.user_id };
      await versions.require(actor, "read", params.version);
      return (async function* () {
        yield await evaluate(actor, params.version, first);
        for await (const message of received) yield await evaluate(actor, params.version, message);
      })();
    },
    templateVersionDynamicParametersEvaluate: async ({ actor, params, body }) =>
      evaluate(actor, params.version, body),
    dryRunCreate: async ({ actor, params, body, idempotency }) =>
      toProvisionerJob(
        await versions.dryRun(actor, params.version, {
          workspaceName: body.workspace_name,
          parameters: body.rich_parameter_values ?? [],
          variables: body.user_variable_values ?? [],
          mockProviders: body.mock_providers ?? false,
          idempotency,
        }),
      ),
    dryRunGet: async ({ actor, params }) =>
      toProvisionerJob(await versions.requireDryRun(actor, params.version, params.job)),
    dryRunResources: async ({ actor, params }) => {
      const { id } = await versions.requireDryRun(actor, params.version, params.job);
      const resources = (await resourceStore.ofJobs([id])).get(id) ?? [];
      return resources.map((resource) => toResource(resource, now()));
    },
    dryRunLogs: async ({ actor, params, query }) => {
      const { id } = await versions.requireDryRun(actor, params.version, params.job);
      return (await jobs.logs(id, query)).map(toJobLog);
    },
    dryRunLogsFollow: async ({ actor, params, query, signal }) => {
      const { id } = await versions.requireDryRun(actor, params.version, params.job);
      return toJobLogs(jobs.followLogs(id, query.after, signal));
    },
    dryRunMatchedProvisioners: async ({ actor, params }) => {
      const { matched } = await versions.requireDryRun(actor, params.version, params.job);
      return matched ? toMatched(matched) : { count: 0, available: 0 };
    },
    dryRunCancel: async ({ actor, params }) => {
      await versions.cancelDryRun(actor, params.version, params.job);
      return { message: "Job has been marked as canceled." };
    },
  } satisfies Partial<Handlers>;
}
