import { toMember } from "../../convert/organizations.js";
import { toOrganization } from "../../convert/users.js";
import type { Organizations } from "../../organizations/service.js";
import type { Users } from "../../users/service.js";
import type { Handlers } from "../handler.js";

export function createOrganizationHandlers({
  organizations,
  users,
}: {
  organizations: Organizations;
  users: Users;
}) {
  return {
    organizationList: async ({ actor }) => (await organizations.list(actor)).map(toOrganization),
    organizationGet: async ({ actor, params }) =>
      toOrganization(await organizations.require(actor, "read", params.organization)),
    memberList: async ({ actor, params }) =>
      (await organizations.members(actor, params.organization)).map(toMember),
    memberListPaginated: async ({ actor, params, query }) => {
      const members = await organizations.members(actor, params.organization);
      const offset = query.offset ?? 0;
      const page = members.slice(offset, query.limit ? offset + query.limit : undefined);
      return { members: page.map(toMember), count: members.length };
    },
    memberGet: async ({ actor, params }) => {
      const user = await users.find(actor, params.user);
      return toMember(await organizations.member(actor, params.organization, user.id));
    },
  } satisfies Partial<Handlers>;
}
