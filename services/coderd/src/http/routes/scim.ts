import { FleetError, isUuid } from "@fleet/base";
import { SCIM_MEDIA_TYPE } from "@fleet/sdk";
import { resourceTypes, schemas, serviceProviderConfig } from "../../scim/discovery.js";
import { ResourceNotFound } from "../../scim/errors.js";
import type { Values } from "../../scim/evaluate.js";
import { operationsOf } from "../../scim/patch.js";
import { leavesOut, type Projection, project } from "../../scim/project.js";
import { GROUP, MESSAGES, type ResourceType, USER } from "../../scim/schema.js";
import type { Scim } from "../../scim/service.js";
import type { Precondition, Resource } from "../../scim/users.js";
import type { Handlers } from "../handler.js";
import { Reply } from "../reply.js";

type Named = { attributes?: string[] | undefined; excludedAttributes?: string[] | undefined };
type Headers = Record<string, string | string[] | undefined>;

export function createScimHandlers({ scim }: { scim: Scim }) {
  const { users, groups, queries, base } = scim;

  return {
    scimUserList: async ({ query }) => json(await queries.users({ ...query, ...projectionOf(query) })),
    scimUserSearch: async ({ body }) => json(await queries.users({ ...body, ...projectionOf(body) })),
    scimUserCreate: async ({ body, query }) => shown(USER, await users.create(body), query, 201),
    scimUserGet: async ({ params, query }) => shown(USER, await users.get(idOf(params.scimUser)), query),
    scimUserReplace: async ({ params, body, query, headers }) =>
      shown(USER, await users.replace(idOf(params.scimUser), body, precondition(headers)), query),
    scimUserPatch: async ({ params, body, query, headers }) =>
      shown(USER, await users.patch(idOf(params.scimUser), operationsOf(body), precondition(headers)), query),
    scimUserDelete: async ({ params, headers }) => {
      await users.delete(idOf(params.scimUser), precondition(headers));
      return undefined;
    },

    scimGroupList: async ({ query }) => json(await queries.groups({ ...query, ...projectionOf(query) })),
    scimGroupSearch: async ({ body }) => json(await queries.groups({ ...body, ...projectionOf(body) })),
    scimGroupCreate: async ({ body, query }) => shown(GROUP, await groups.create(body), query, 201),
    scimGroupGet: async ({ params, query }) => {
      const withMembers = !leavesOut(GROUP, projectionOf(query), "members");
      return shown(GROUP, await groups.get(idOf(params.scimGroup), withMembers), query);
    },
    scimGroupReplace: async ({ params, body, query, headers }) =>
      shown(GROUP, await groups.replace(idOf(params.scimGroup), body, precondition(headers)), query),
    scimGroupPatch: async ({ params, body, query, headers }) =>
      shown(
        GROUP,
        await groups.patch(idOf(params.scimGroup), operationsOf(body), precondition(headers)),
        query,
      ),
    scimGroupDelete: async ({ params, headers }) => {
      await groups.delete(idOf(params.scimGroup), precondition(headers));
      return undefined;
    },

    scimSearch: async ({ body }) => json(await queries.all({ ...body, ...projectionOf(body) })),
    scimServiceProviderConfig: async () => json(serviceProviderConfig(base)),
    scimResourceTypeList: async ({ query }) => listed(resourceTypes(base), query.filter),
    scimResourceTypeGet: async ({ params }) => json(byId(resourceTypes(base), params.scimResourceType)),
    scimSchemaList: async ({ query }) => listed(schemas(base), query.filter),
    scimSchemaGet: async ({ params }) => json(byId(schemas(base), params.scimSchema)),
  } satisfies Partial<Handlers>;
}

function json(body: Values, status?: number, headers: Record<string, string> = {}): never {
  return new Reply(body, {
    ...(status ? { status } : {}),
    headers: { "Content-Type": SCIM_MEDIA_TYPE, ...headers },
  }) as never;
}

/** The resource as far as it was asked for, with its version and URL. */
function shown(type: ResourceType, { resource, version }: Resource, query: Named, status?: number): never {
  const { location } = resource.meta as { location: string };
  return json(project(type, resource, projectionOf(query)), status, {
    ETag: version,
    ...(status === 201 ? { Location: location } : { "Content-Location": location }),
  });
}

function projectionOf({ attributes, excludedAttributes }: Named): Projection {
  return { attributes, excluded: excludedAttributes };
}

/** Something that is no id is a resource that does not exist. */
function idOf(text: string): string {
  if (!isUuid(text)) throw new ResourceNotFound();
  return text.toLowerCase();
}

/** If-Match (RFC 9110 §13.1.1), with weak versions as RFC 7644 §3.14 has them. */
function precondition(headers: Headers): Precondition {
  const header = headers["if-match"]?.toString();
  if (header === undefined || header.trim() === "*") return () => true;
  const tags = [...header.matchAll(/(?:W\/)?("[^"]*")/g)].map(([, tag]) => tag);
  return (version) => tags.includes(version.replace(/^W\//, ""));
}

/** What describes the service cannot be filtered (RFC 7644 §4). */
function listed(resources: Values[], filter: string | undefined): never {
  if (filter !== undefined) throw new FleetError("permission_denied", "These resources cannot be filtered.");
  return json({
    schemas: [`${MESSAGES}ListResponse`],
    totalResults: resources.length,
    startIndex: 1,
    itemsPerPage: resources.length,
    Resources: resources,
  });
}

function byId(resources: readonly Values[], id: string): Values {
  const found = resources.find((resource) => String(resource.id).toLowerCase() === id.toLowerCase());
  if (!found) throw new ResourceNotFound();
  return found;
}
