import * as z from "zod";
import { route } from "../route.js";
import { ScimBody, ScimListResponse, ScimResource, ScimSearchRequest } from "../types/index.js";
import { INT4_MAX, Name, queryInt, Search } from "../wire.js";

/** What the routes of SCIM 2.0 (RFC 7644) have in common. */
const scim = { access: "scim", failure: "scim" } as const;

/** Maximum body of a resource: a group may have twenty thousand members. */
const BODY_LIMIT = 4 * 1_024 * 1_024;

const names = Search.transform((value) => value.split(","));
const projection = { attributes: names.optional(), excludedAttributes: names.optional() };
const projected = z.object(projection);
const query = z.object({
  ...projection,
  filter: Search.optional(),
  sortBy: Name.optional(),
  sortOrder: z.enum(["ascending", "descending"]).optional(),
  startIndex: queryInt(-INT4_MAX, INT4_MAX).optional(),
  count: queryInt(-INT4_MAX, INT4_MAX).optional(),
});

/** Filters of these lists are refused (RFC 7644 §4). */
const discovery = z.object({ filter: Search.optional() });

/** Provisioning by an identity provider. */
export const scimRoutes = {
  scimUserList: route({
    ...scim,
    method: "GET",
    path: "/scim/v2/Users",
    summary: "List users.",
    query: query,
    response: ScimListResponse,
  }),
  scimUserSearch: route({
    ...scim,
    method: "POST",
    path: "/scim/v2/Users/.search",
    summary: "List users, with the query in the body.",
    body: ScimSearchRequest,
    response: ScimListResponse,
  }),
  scimUserCreate: route({
    ...scim,
    method: "POST",
    path: "/scim/v2/Users",
    summary: "Create a user.",
    status: 201,
    bodyLimit: BODY_LIMIT,
    query: projected,
    body: ScimBody,
    response: ScimResource,
  }),
  scimUserGet: route({
    ...scim,
    method: "GET",
    path: "/scim/v2/Users/:scimUser",
    summary: "Get a user.",
    query: projected,
    response: ScimResource,
  }),
  scimUserReplace: route({
    ...scim,
    method: "PUT",
    path: "/scim/v2/Users/:scimUser",
    summary: "Replace a user.",
    bodyLimit: BODY_LIMIT,
    query: projected,
    body: ScimBody,
    response: ScimResource,
  }),
  scimUserPatch: route({
    ...scim,
    method: "PATCH",
    path: "/scim/v2/Users/:scimUser",
    summary: "Change a user: a list of operations.",
    bodyLimit: BODY_LIMIT,
    query: projected,
    body: ScimBody,
    response: ScimResource,
  }),
  scimUserDelete: route({
    ...scim,
    method: "DELETE",
    path: "/scim/v2/Users/:scimUser",
    summary: "Delete a user, which suspends the account.",
    status: 204,
  }),
  scimGroupList: route({
    ...scim,
    method: "GET",
    path: "/scim/v2/Groups",
    summary: "List groups.",
    query: query,
    response: ScimListResponse,
  }),
  scimGroupSearch: route({
    ...scim,
    method: "POST",
    path: "/scim/v2/Groups/.search",
    summary: "List groups, with the query in the body.",
    body: ScimSearchRequest,
    response: ScimListResponse,
  }),
  scimGroupCreate: route({
    ...scim,
    method: "POST",
    path: "/scim/v2/Groups",
    summary: "Create a group.",
    status: 201,
    bodyLimit: BODY_LIMIT,
    query: projected,
    body: ScimBody,
    response: ScimResource,
  }),
  scimGroupGet: route({
    ...scim,
    method: "GET",
    path: "/scim/v2/Groups/:scimGroup",
    summary: "Get a group.",
    query: projected,
    response: ScimResource,
  }),
  scimGroupReplace: route({
    ...scim,
    method: "PUT",
    path: "/scim/v2/Groups/:scimGroup",
    summary: "Replace a group.",
    bodyLimit: BODY_LIMIT,
    query: projected,
    body: ScimBody,
    response: ScimResource,
  }),
  scimGroupPatch: route({
    ...scim,
    method: "PATCH",
    path: "/scim/v2/Groups/:scimGroup",
    summary: "Change a group: a list of operations.",
    bodyLimit: BODY_LIMIT,
    query: projected,
    body: ScimBody,
    response: ScimResource,
  }),
  scimGroupDelete: route({
    ...scim,
    method: "DELETE",
    path: "/scim/v2/Groups/:scimGroup",
    summary: "Delete a group.",
    status: 204,
  }),
  scimSearch: route({
    ...scim,
    method: "POST",
    path: "/scim/v2/.search",
    summary: "List users and groups, with the query in the body.",
    body: ScimSearchRequest,
    response: ScimListResponse,
  }),
  scimServiceProviderConfig: route({
    ...scim,
    method: "GET",
    path: "/scim/v2/ServiceProviderConfig",
    summary: "Get what the SCIM service supports.",
    response: ScimResource,
  }),
  scimResourceTypeList: route({
    ...scim,
    method: "GET",
    path: "/scim/v2/ResourceTypes",
    summary: "List the types of SCIM resources.",
    query: discovery,
    response: ScimListResponse,
  }),
  scimResourceTypeGet: route({
    ...scim,
    method: "GET",
    path: "/scim/v2/ResourceTypes/:scimResourceType",
    summary: "Get a type of SCIM resources.",
    response: ScimResource,
  }),
  scimSchemaList: route({
    ...scim,
    method: "GET",
    path: "/scim/v2/Schemas",
    summary: "List the schemas of SCIM resources.",
    query: discovery,
    response: ScimListResponse,
  }),
  scimSchemaGet: route({
    ...scim,
    method: "GET",
    path: "/scim/v2/Schemas/:scimSchema",
    summary: "Get a schema of SCIM resources by its URI.",
    response: ScimResource,
  }),
};
