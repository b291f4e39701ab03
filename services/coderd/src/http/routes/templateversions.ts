import { isFleetError } from "@fleet/base";
import type { DynamicParametersResponse } from "@fleet/sdk";
import { injectTraceContext } from "@fleet/telemetry";
import type { Actor } from "../../auth/actor.js";
import { authorizer, requireUser } from "../../auth/authorizer.js";
import { toDiagnostic, toDynamicParameters } from "../../convert/evaluations.js";
import { toJobLog, toJobLogs, toMatched, toProvisionerJob } from "../../convert/jobs.js";
import { toParameter, toPreset, toVariable, toVersion } from "../../convert/templates.js";
import { toResource } from "../../convert/workspaces.js";
import type { Evaluations } from "../../evaluations/service.js";
import type { ExternalAuth, RequestedProvider } from "../../externalauth/service.js";
import type { Organizations } from "../../organizations/service.js";
import type { ProvisionerJobs } from "../../provisionerjobs/service.js";
import type { ResourceStore } from "../../resources/store.js";
import type { TemplateVersions } from "../../templateversions/service.js";
import { UserNotFound } from "../../users/errors.js";
import type { Handlers } from "../handler.js";

export type TemplateVersionHandlerOptions = {
  templateVersions: TemplateVersions;
  evaluations: Evaluations;
  organizations: Organizations;
  jobs: ProvisionerJobs;
  resourceStore: ResourceStore;
  externalAuth: ExternalAuth;
  now(): Date;
};

const UNKNOWN_PROVIDER = { display_icon: "", authenticate_url: "", authenticated: false };

/** A form that says why there is none; other errors end the request. */
function toldInForm(id: number, error: unknown): DynamicParametersResponse {
  if (!isFleetError(error, "unavailable", "resource_exhausted", "not_found")) throw error;
  const told = { severity: "error", summary: error.message, detail: error.detail ?? "" } as const;
  return { id, diagnostics: [toDiagnostic(told)], parameters: [] };
}

export function createTemplateVersionHandlers(options: TemplateVersionHandlerOptions) {
  const { templateVersions: versions, evaluations, organizations, jobs, resourceStore, now } = options;
  const { externalAuth } = options;

  /** What the version asks for, with the caller's links. A provider that is not configured has no address. */
  async function externalAuthOf(actor: Actor, requested: readonly RequestedProvider[]) {
    const { userId } = requireUser(actor);
    return Promise.all(
      requested.map(async ({ id, optional }) => {
        const provider = externalAuth.providers.find((one) => one.id === id);
        if (!provider) return { ...UNKNOWN_PROVIDER, id, type: id, display_name: id, optional };
        const { authenticated } = await externalAuth.view(provider, userId);
        return {
          id,
          type: provider.type,
          display_name: provider.displayName,
          display_icon: provider.displayIcon,
          authenticate_url: externalAuth.signInUrl(provider),
          authenticated,
          optional,
        };
      }),
    );
  }

  /** Refuses an owner for whom the actor could not create a workspace of the version. */
  async function ownerOf(actor: Actor, versionId: string, ownerId: string | undefined): Promise<string> {
    const version = await versions.requireImported(actor, versionId);
    const { userId } = requireUser(actor);
    const owner = ownerId === undefined || ownerId === "me" ? userId : ownerId;
    if (owner === userId) return owner;
    const workspace = { type: "workspace", ownerId: owner, orgId: version.organizationId } as const;
    authorizer.require(actor, "create", workspace, new UserNotFound());
    return owner;
  }

  /** The form for these values. What keeps them from being evaluated is told in the form. */
  async function evaluate(
    versionId: string,
    ownerId: string,
    { id, inputs }: { id: number; inputs: Record<string, string> },
    signal: AbortSignal,
  ): Promise<DynamicParametersResponse> {
    try {
      const ask = { versionId, ownerId, workspace: { id: "", name: "" }, inputs };
      return toDynamicParameters(id, await evaluations.evaluate(ask, signal));
    } catch (error) {
      return toldInForm(id, error);
    }
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
      externalAuthOf(actor, await versions.externalAuth(actor, params.version)),
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
    templateVersionDynamicParameters: async ({ actor, params, query, received, signal }) => {
      const { version } = params;
      const first = await ownerOf(actor, version, query.user_id);
      return (async function* () {
        yield await evaluate(version, first, { id: -1, inputs: {} }, signal);
        for await (const message of received) {
          yield await ownerOf(actor, version, message.owner_id ?? first).then(
            (owner) => evaluate(version, owner, message, signal),
            (error) => toldInForm(message.id, error),
          );
        }
      })();
    },
    templateVersionDynamicParametersEvaluate: async ({ actor, params, body, signal }) =>
      evaluate(params.version, await ownerOf(actor, params.version, body.owner_id), body, signal),
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
