import { isFleetError } from "@fleet/base";
import type { RouteBody, Routes } from "@fleet/sdk";
import { injectTraceContext } from "@fleet/telemetry";
import type { SessionKind } from "../../agents/activity.js";
import type { Actor } from "../../auth/actor.js";
import { requireUser } from "../../auth/authorizer.js";
import type { ExternalAgents } from "../../builds/external-agents.js";
import type { Builds } from "../../builds/service.js";
import { type Deployment, toBuildTimings, toWorkspace } from "../../convert/workspaces.js";
import type { Insights } from "../../insights/service.js";
import type { ClientApp } from "../../insights/store.js";
import type { Organizations } from "../../organizations/service.js";
import type { Idempotency } from "../../provisionerjobs/idempotency.js";
import type { Workspaces, WorkspaceView } from "../../workspaces/service.js";
import type { Handlers } from "../handler.js";
import { Reply } from "../reply.js";

export type WorkspaceHandlerOptions = {
  workspaces: Workspaces;
  builds: Builds;
  externalAgents: ExternalAgents;
  organizations: Organizations;
  insights: Pick<Insights, "sessionSeen">;
  deployment: Deployment;
};

export function createWorkspaceHandlers({
  workspaces,
  builds,
  externalAgents,
  organizations,
  insights,
  deployment,
}: WorkspaceHandlerOptions) {
  async function create(
    actor: Actor,
    owner: string,
    organizationId: string | undefined,
    body: RouteBody<Routes["workspaceCreate"]>,
    idempotency: Idempotency | undefined,
  ) {
    const workspace = await workspaces.create(actor, {
      owner: owner === "me" ? requireUser(actor).userId : owner,
      organizationId,
      templateId: body.template_id,
      versionId: body.template_version_id,
      name: body.name,
      autostartSchedule: body.autostart_schedule || undefined,
      ttlMs: body.ttl_ms,
      automaticUpdates: body.automatic_updates || "never",
      build: {
        parameters: body.rich_parameter_values ?? [],
        presetId: body.template_version_preset_id,
        traceContext: injectTraceContext(),
        idempotency,
      },
    });
    return toWorkspace(workspace, deployment);
  }

  async function watch(actor: Actor, id: string, signal: AbortSignal) {
    return toEvents(await workspaces.watch(actor, id, signal));
  }

  /** Ends when the workspace is deleted or the actor may no longer see it. */
  async function* toEvents(views: AsyncIterable<WorkspaceView>) {
    try {
      for await (const view of views) yield { type: "data" as const, data: toWorkspace(view, deployment) };
    } catch (error) {
      if (!isFleetError(error, "not_found")) throw error;
    }
  }

  return {
    workspaceExternalAgentCredentials: async ({ actor, params }) => {
      const { token, command } = await externalAgents.credentials(actor, params.workspace, params.agentName);
      return { agent_token: token, command };
    },
    workspaceCreate: ({ actor, params, body, idempotency }) =>
      create(actor, params.user, undefined, body, idempotency),
    workspaceCreateForMember: async ({ actor, params, body, idempotency }) => {
      const { id } = await organizations.require(actor, "read", params.organization);
      return create(actor, params.user, id, body, idempotency);
    },
    workspaceGetByName: async ({ actor, params, query }) => {
      const includeDeleted = query.include_deleted ?? false;
      const row = await workspaces.requireByName(
        actor,
        "read",
        params.user,
        params.workspaceName,
        includeDeleted,
      );
      return toWorkspace(await workspaces.withBuild(row), deployment);
    },
    workspaceList: async ({ actor, query }) => {
      const { limit, offset, after_id: afterId, sort } = query;
      const list = await workspaces.list(actor, query.q ?? "", { limit, offset, afterId, sort });
      return { workspaces: list.workspaces.map((view) => toWorkspace(view, deployment)), count: list.count };
    },
    workspaceGet: async ({ actor, params, query }) =>
      toWorkspace(await workspaces.get(actor, params.workspace, query.include_deleted ?? false), deployment),
    workspaceUpdate: async ({ actor, params, body }) => {
      await workspaces.rename(actor, params.workspace, body.name);
      return undefined;
    },
    workspaceAutostartUpdate: async ({ actor, params, body }) => {
      await workspaces.setAutostart(actor, params.workspace, body.schedule || undefined);
      return undefined;
    },
    workspaceTtlUpdate: async ({ actor, params, body }) => {
      await workspaces.setTtl(actor, params.workspace, body.ttl_ms ?? undefined);
      return undefined;
    },
    workspaceExtend: async ({ actor, params, body }) => {
      const deadline = await workspaces.extend(actor, params.workspace, new Date(body.deadline));
      return { message: `Deadline updated to ${deadline.toISOString()}.` };
    },
    workspaceDormancyUpdate: async ({ actor, params, body }) => {
      const changed = await workspaces.setDormant(actor, params.workspace, body.dormant);
      return changed ? toWorkspace(changed, deployment) : new Reply(undefined, { status: 304 });
    },
    workspaceAutomaticUpdatesUpdate: async ({ actor, params, body }) => {
      await workspaces.setAutomaticUpdates(actor, params.workspace, body.automatic_updates);
      return undefined;
    },
    workspaceFavorite: async ({ actor, params }) => {
      await workspaces.setFavorite(actor, params.workspace, true);
      return undefined;
    },
    workspaceUnfavorite: async ({ actor, params }) => {
      await workspaces.setFavorite(actor, params.workspace, false);
      return undefined;
    },
    workspaceUsage: async ({ actor, params, body }) => {
      const kind = toActivityKind(body.app_name);
      await workspaces.use(actor, params.workspace, kind, body.agent_id);
      await insights.sessionSeen(params.workspace, body.agent_id, toClientApp(kind));
      return undefined;
    },
    workspaceWatch: ({ actor, params, signal }) => watch(actor, params.workspace, signal),
    workspaceWatchSocket: ({ actor, params, signal }) => watch(actor, params.workspace, signal),
    workspaceResolveAutostart: async ({ actor, params }) => ({
      parameter_mismatch: await workspaces.parameterMismatch(actor, params.workspace),
    }),
    workspaceTimings: async ({ actor, params }) => {
      const { latestBuildId } = await workspaces.require(actor, "read", params.workspace);
      return toBuildTimings(await builds.timings(actor, latestBuildId));
    },
  } satisfies Partial<Handlers>;
}

function toClientApp(kind: SessionKind): ClientApp {
  return kind === "reconnecting_pty" ? "reconnecting-pty" : kind;
}

/** Clients that do not say how the workspace is used are connected over SSH. */
function toActivityKind(app: RouteBody<Routes["workspaceUsage"]>["app_name"]): SessionKind {
  return app === "reconnecting-pty" ? "reconnecting_pty" : app || "ssh";
}
