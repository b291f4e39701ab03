import { FleetError } from "@fleet/base";
import { injectTraceContext } from "@fleet/telemetry";
import { BUILD_PAGE_LIMIT, type Builds } from "../../builds/service.js";
import { toJobLog, toJobLogs } from "../../convert/jobs.js";
import { type Deployment, toBuild, toBuildTimings, toStateVersions } from "../../convert/workspaces.js";
import type { Workspaces } from "../../workspaces/service.js";
import type { Handlers } from "../handler.js";
import { Reply } from "../reply.js";

export type BuildHandlerOptions = { builds: Builds; workspaces: Workspaces; deployment: Deployment };

export function createBuildHandlers({ builds, workspaces, deployment }: BuildHandlerOptions) {
  return {
    workspaceBuildCreate: async ({ actor, params, body, idempotency }) => {
      if (body.dry_run) {
        throw new FleetError(
          "invalid_argument",
          "Builds do not support dry runs. Start a dry run of the template version instead.",
          {
            validations: [{ field: "dry_run", detail: "Builds do not support dry runs." }],
          },
        );
      }
      const build = await builds.create(actor, params.workspace, {
        transition: body.transition,
        versionId: body.template_version_id,
        presetId: body.template_version_preset_id,
        parameters: body.rich_parameter_values ?? [],
        state: body.state ? Buffer.from(body.state, "base64") : undefined,
        orphan: body.orphan,
        restart: body.restart,
        acceptsDataLoss: body.accept_data_loss,
        logLevel: body.log_level,
        reason: body.reason || undefined,
        traceContext: injectTraceContext(),
        idempotency,
      });
      return toBuild(build, deployment);
    },
    workspaceBuildList: async ({ actor, params, query }) => {
      await workspaces.require(actor, "read", params.workspace, true);
      const list = await builds.list(params.workspace, {
        since: query.since ? new Date(query.since) : undefined,
        limit: Math.min(query.limit || BUILD_PAGE_LIMIT, BUILD_PAGE_LIMIT),
        offset: query.offset ?? 0,
        afterId: query.after_id,
      });
      return list.map((view) => toBuild(view, deployment));
    },
    workspaceBuildGetByNumber: async ({ actor, params }) => {
      const row = await workspaces.requireByName(actor, "read", params.user, params.workspaceName, true);
      return toBuild(
        await builds.getByNumber(row.id, Number.parseInt(params.buildNumber, 10) || 0),
        deployment,
      );
    },
    workspaceBuildGet: async ({ actor, params }) =>
      toBuild(await builds.get(actor, params.build), deployment),
    workspaceBuildCancel: async ({ actor, params, query }) => {
      await builds.cancel(actor, params.build, query.expect_status);
      return { message: "Job has been marked as canceled..." };
    },
    workspaceBuildLogs: async ({ actor, params, query }) =>
      (await builds.logs(actor, params.build, query)).map(toJobLog),
    workspaceBuildLogsFollow: async ({ actor, params, query, signal }) =>
      toJobLogs(await builds.followLogs(actor, params.build, query.after, signal)),
    workspaceBuildParameters: ({ actor, params }) => builds.parameters(actor, params.build),
    workspaceBuildResources: async ({ actor, params }) =>
      toBuild(await builds.get(actor, params.build), deployment).resources,
    workspaceBuildTimings: async ({ actor, params }) =>
      toBuildTimings(await builds.timings(actor, params.build)),
    workspaceStateList: async ({ actor, params }) =>
      toStateVersions(await builds.states(actor, params.workspace)),
    workspaceBuildState: async ({ actor, params, query }) =>
      new Reply(await builds.state(actor, params.build, query.version), {
        headers: { "content-type": "application/json" },
      }),
    workspaceBuildStateUpdate: async ({ actor, params, body }) => {
      await builds.setState(actor, params.build, {
        state: Buffer.from(body.state, "base64"),
        force: body.force,
        expectedSerial: body.expected_serial,
      });
      return undefined;
    },
  } satisfies Partial<Handlers>;
}
