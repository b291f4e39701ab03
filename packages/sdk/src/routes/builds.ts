import * as z from "zod";
import { raw, route } from "../route.js";
import {
  ApiMessage,
  BuildTimings,
  CreateBuildRequest,
  NameValue,
  ProvisionerJobLog,
  UpdateStateRequest,
  WorkspaceBuild,
  WorkspaceResource,
  WorkspaceStateVersion,
} from "../types/index.js";
import { INT4_MAX, Instant, logRange, paging, queryInt, STATE_BODY_LIMIT } from "../wire.js";

const read = { resource: "workspace", action: "read" } as const;
const logQuery = z.object(logRange);

export const buildRoutes = {
  workspaceBuildCreate: route({
    method: "POST",
    path: "/api/v2/workspaces/:workspace/builds",
    summary:
      "Start, stop, restart or delete a workspace. If an identical build is already active, it is returned; any other request fails with 409 while a build is active.",
    access: [
      { resource: "workspace", action: "start" },
      { resource: "workspace", action: "stop" },
      { resource: "workspace", action: "delete" },
    ],
    status: 201,
    takesKey: true,
    body: CreateBuildRequest,
    response: WorkspaceBuild,
  }),
  workspaceBuildList: route({
    method: "GET",
    path: "/api/v2/workspaces/:workspace/builds",
    summary: "List a workspace's builds, newest first.",
    access: read,
    query: z.object({ since: Instant.optional(), ...paging }),
    response: z.array(WorkspaceBuild),
  }),
  workspaceBuildGetByNumber: route({
    method: "GET",
    path: "/api/v2/users/:user/workspace/:workspaceName/builds/:buildNumber",
    summary: "Get a build by its number.",
    access: read,
    response: WorkspaceBuild,
  }),
  workspaceBuildGet: route({
    method: "GET",
    path: "/api/v2/workspacebuilds/:build",
    summary: "Get a build.",
    access: read,
    response: WorkspaceBuild,
  }),
  workspaceBuildCancel: route({
    method: "PATCH",
    path: "/api/v2/workspacebuilds/:build/cancel",
    summary:
      "Cancel a build, and the start of a restart; with `expect_status`, only while the job has this status.",
    access: { resource: "workspace", action: "update" },
    query: z.object({ expect_status: z.enum(["pending", "running"]).optional() }),
    response: ApiMessage,
  }),
  workspaceBuildLogs: route({
    method: "GET",
    path: "/api/v2/workspacebuilds/:build/logs",
    summary: "Get a build's logs.",
    access: read,
    query: logQuery,
    response: z.array(ProvisionerJobLog),
  }),
  workspaceBuildLogsFollow: route({
    method: "GET",
    path: "/api/v2/workspacebuilds/:build/logs",
    summary: "Stream a build's logs until the build completes.",
    access: read,
    stream: "websocket",
    always: { follow: "true" },
    query: logQuery,
    response: ProvisionerJobLog,
  }),
  workspaceBuildParameters: route({
    method: "GET",
    path: "/api/v2/workspacebuilds/:build/parameters",
    summary: "List the parameter values that a build used.",
    access: read,
    response: z.array(NameValue),
  }),
  workspaceBuildResources: route({
    method: "GET",
    path: "/api/v2/workspacebuilds/:build/resources",
    summary: "List the resources of a build.",
    access: read,
    response: z.array(WorkspaceResource),
  }),
  workspaceBuildTimings: route({
    method: "GET",
    path: "/api/v2/workspacebuilds/:build/timings",
    summary: "Get a build's timings.",
    access: read,
    response: BuildTimings,
  }),
  workspaceStateList: route({
    method: "GET",
    path: "/api/v2/workspaces/:workspace/states",
    summary: "List the Terraform states of a workspace that are kept, newest first.",
    access: { resource: "template", action: "update" },
    response: z.array(WorkspaceStateVersion),
  }),
  workspaceBuildState: route({
    method: "GET",
    path: "/api/v2/workspacebuilds/:build/state",
    summary:
      "Download a build's Terraform state; with `version`, a state of the build as listed for the workspace.",
    access: { resource: "template", action: "update" },
    query: z.object({ version: queryInt(1, INT4_MAX).optional() }),
    response: raw("application/json"),
  }),
  workspaceBuildStateUpdate: route({
    method: "PUT",
    path: "/api/v2/workspacebuilds/:build/state",
    summary:
      "Replace a build's Terraform state while no build is active. The replaced state is kept. Unless `force` is set, a state of another lineage or with a lower serial is refused.",
    access: { resource: "template", action: "update" },
    status: 204,
    bodyLimit: STATE_BODY_LIMIT,
    body: UpdateStateRequest,
  }),
};
