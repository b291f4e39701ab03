import { route } from "../route.js";
import { AclAvailable, ApiMessage, TemplateAcl, UpdateTemplateAclRequest } from "../types/index.js";

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
    response: AclAvailable,
  }),
};
