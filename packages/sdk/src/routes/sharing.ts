import * as z from "zod";
import { route } from "../route.js";
import {
  AclAvailable,
  ApiMessage,
  TemplateAcl,
  UpdateTemplateAclRequest,
  UpdateWorkspaceAclRequest,
  WorkspaceAcl,
  WorkspaceAclAvailable,
} from "../types/index.js";
import { paging, Search } from "../wire.js";

export const sharingRoutes = {
  templateAcl: route({
    method: "GET",
    path: "/api/v2/templates/:template/acl",
    summary: "Get a template's ACL.",
    access: { resource: "template", action: "update" },
    response: TemplateAcl,
  }),
  templateAclUpdate: route({
    method: "PATCH",
    path: "/api/v2/templates/:template/acl",
    summary: "Update a template's ACL.",
    access: { resource: "template", action: "update" },
    body: UpdateTemplateAclRequest,
    response: ApiMessage,
  }),
  templateAclAvailable: route({
    method: "GET",
    path: "/api/v2/templates/:template/acl/available",
    summary: "List the users and groups that a template can be shared with.",
    access: { resource: "template", action: "update" },
    query: z.object({ q: Search.optional(), limit: paging.limit, offset: paging.offset }),
    response: AclAvailable,
  }),
  workspaceAcl: route({
    method: "GET",
    path: "/api/v2/workspaces/:workspace/acl",
    summary: "Get who a workspace is shared with.",
    access: { resource: "workspace", action: "read" },
    response: WorkspaceAcl,
  }),
  workspaceAclUpdate: route({
    method: "PATCH",
    path: "/api/v2/workspaces/:workspace/acl",
    summary: "Share a workspace with users and groups, or stop sharing it with them.",
    access: { resource: "workspace", action: "share" },
    body: UpdateWorkspaceAclRequest,
    status: 204,
  }),
  workspaceAclDelete: route({
    method: "DELETE",
    path: "/api/v2/workspaces/:workspace/acl",
    summary: "Stop sharing a workspace.",
    access: { resource: "workspace", action: "share" },
    status: 204,
  }),
  workspaceAclAvailable: route({
    method: "GET",
    path: "/api/v2/workspaces/:workspace/acl/available",
    summary: "List the users and groups that a workspace can be shared with.",
    access: { resource: "workspace", action: "share" },
    query: z.object({ q: Search.optional(), limit: paging.limit, offset: paging.offset }),
    response: WorkspaceAclAvailable,
  }),
};
