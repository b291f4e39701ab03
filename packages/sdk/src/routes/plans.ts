import * as z from "zod";
import { route } from "../route.js";
import {
  ApiMessage,
  CreateWorkspacePlanRequest,
  PlanWorkspacesRequest,
  ProvisionerJobLog,
  WorkspacePlan,
  WorkspacePlans,
} from "../types/index.js";
import { logRange } from "../wire.js";

const update = { resource: "template", action: "update" } as const;

export const planRoutes = {
  workspacePlanCreate: route({
    method: "POST",
    path: "/api/v2/workspaces/:workspace/plans",
    summary: "Plan a build of a workspace without changing anything.",
    access: [
      { resource: "workspace", action: "start" },
      { resource: "workspace", action: "stop" },
      { resource: "workspace", action: "delete" },
    ],
    status: 201,
    body: CreateWorkspacePlanRequest,
    response: WorkspacePlan,
  }),
  workspacePlanGet: route({
    method: "GET",
    path: "/api/v2/workspaces/:workspace/plans/:plan",
    summary: "Get a plan and, once its job has succeeded, what the build would change.",
    access: { resource: "workspace", action: "read" },
    response: WorkspacePlan,
  }),
  workspacePlanLogs: route({
    method: "GET",
    path: "/api/v2/workspaces/:workspace/plans/:plan/logs",
    summary: "Get a plan's logs.",
    access: { resource: "workspace", action: "read" },
    query: z.object(logRange),
    response: z.array(ProvisionerJobLog),
  }),
  workspacePlanCancel: route({
    method: "PATCH",
    path: "/api/v2/workspaces/:workspace/plans/:plan/cancel",
    summary: "Cancel a plan.",
    access: { resource: "workspace", action: "update" },
    response: ApiMessage,
  }),
  templateVersionPlansCreate: route({
    method: "POST",
    path: "/api/v2/templateversions/:version/workspace-plans",
    summary:
      "Plan a version for the workspaces of its template, a few at a time and without refresh. Replaces the version's earlier plans.",
    access: update,
    status: 201,
    body: PlanWorkspacesRequest,
    response: WorkspacePlans,
  }),
  templateVersionPlansGet: route({
    method: "GET",
    path: "/api/v2/templateversions/:version/workspace-plans",
    summary:
      "Get what a version would change in the workspaces of its template, as far as it has been planned.",
    access: update,
    response: WorkspacePlans,
  }),
  templateVersionPlansCancel: route({
    method: "DELETE",
    path: "/api/v2/templateversions/:version/workspace-plans",
    summary: "Cancel and delete a version's plans for the workspaces of its template.",
    access: update,
    response: ApiMessage,
  }),
};
