import { route } from "../route.js";
import {
  ApiMessage,
  CreateWorkspaceProxyRequest,
  UpdateWorkspaceProxyRequest,
  UpdateWorkspaceProxyResponse,
  WorkspaceProxiesResponse,
  WorkspaceProxy,
} from "../types/index.js";

export const workspaceProxyRoutes = {
  workspaceProxyList: route({
    method: "GET",
    path: "/api/v2/workspaceproxies",
    summary: "List the workspace proxies.",
    access: { resource: "workspace_proxy", action: "read" },
    response: WorkspaceProxiesResponse,
  }),
  workspaceProxyCreate: route({
    method: "POST",
    path: "/api/v2/workspaceproxies",
    summary: "Create a workspace proxy; its token is shown only once.",
    access: { resource: "workspace_proxy", action: "create" },
    status: 201,
    body: CreateWorkspaceProxyRequest,
    response: UpdateWorkspaceProxyResponse,
  }),
  workspaceProxyGet: route({
    method: "GET",
    path: "/api/v2/workspaceproxies/:proxy",
    summary: "Get a workspace proxy by ID or name.",
    access: { resource: "workspace_proxy", action: "read" },
    response: WorkspaceProxy,
  }),
  workspaceProxyUpdate: route({
    method: "PATCH",
    path: "/api/v2/workspaceproxies/:proxy",
    summary: "Update a workspace proxy, or regenerate its token.",
    access: { resource: "workspace_proxy", action: "update" },
    body: UpdateWorkspaceProxyRequest,
    response: UpdateWorkspaceProxyResponse,
  }),
  workspaceProxyDelete: route({
    method: "DELETE",
    path: "/api/v2/workspaceproxies/:proxy",
    summary: "Delete a workspace proxy.",
    access: { resource: "workspace_proxy", action: "delete" },
    response: ApiMessage,
  }),
};
