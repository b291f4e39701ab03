import { route } from "../route.js";
import {
  AclAvailable,
  ApiMessage,
  TemplateAcl,
  UpdateTemplateAclRequest,
  UpdateWorkspaceAclRequest,
  WorkspaceAcl,
} from "../types/index.js";

export const sharingRoutes = {
  templateAcl: route({
    method: "GET",
    path: "/api/v2/templates/:template/acl",
    summary: "List who may use or administer a template.",
    access: { resource: "template", action: "read" },
    response: TemplateAcl,
  }),
  templateAclUpdate: route({
    method: "PATCH",
    path: "/api/v2/templates/:template/acl",
    summary: "Change who may use or administer a template.",
    access: { resource: "template", action: "update" },
    body: UpdateTemplateAclRequest,
    response: ApiMessage,
  }),
  templateAclAvailable: route({
    method: "GET",
    path: "/api/v2/templates/:template/acl/available",
    summary: "List the users and groups that a template can be shared with.",
    access: { resource: "template", action: "update" },
    response: AclAvailable,
  }),
  workspaceAcl: route({
    method: "GET",
    path: "/api/v2/workspaces/:workspace/acl",
    summary: "List with whom a workspace is shared.",
    access: { resource: "workspace", action: "read" },
    response: WorkspaceAcl,
  }),
  workspaceAclUpdate: route({
    method: "PATCH",
    path: "/api/v2/workspaces/:workspace/acl",
    summary: "Share a workspace, or stop sharing it.",
    access: { resource: "workspace", action: "share" },
    status: 204,
    body: UpdateWorkspaceAclRequest,
  }),
  workspaceAclDelete: route({
    method: "DELETE",
    path: "/api/v2/workspaces/:workspace/acl",
    summary: "Stop sharing a workspace with anyone.",
    access: { resource: "workspace", action: "share" },
    status: 204,
  }),
};
