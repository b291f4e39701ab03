import { assignableRoles, ORGANIZATION_ROLES } from "@fleet/rbac";
import type { Actor } from "../../auth/actor.js";
import { requireUser } from "../../auth/authorizer.js";
import type { Quotas } from "../../builds/quota-store.js";
import { toMember, toMembership } from "../../convert/organizations.js";
import { toOrganization, toRole } from "../../convert/users.js";
import type { Organizations } from "../../organizations/service.js";
import type { Users } from "../../users/service.js";
import type { Handlers } from "../handler.js";

export function createOrganizationHandlers({
  organizations,
  users,
  quotas,
}: {
  organizations: Organizations;
  users: Users;
  quotas: Quotas;
}) {
  async function quotaOf(actor: Actor, organization: string, member: string) {
    const [{ id }, user] = await Promise.all([
      organizations.require(actor, "read", organization),
      users.require(actor, "read", member),
    ]);
    const quota = await quotas.of({ ownerId: user.id, organizationId: id });
    return { credits_consumed: quota.consumed, budget: quota.budget };
  }

  return {
    organizationList: async ({ actor }) => (await organizations.list(actor)).map(toOrganization),
    organizationGet: async ({ actor, params }) =>
      toOrganization(await organizations.require(actor, "read", params.organization)),
    organizationCreate: async ({ actor, body }) =>
      toOrganization(await organizations.create(actor, { ...body, displayName: body.display_name })),
    organizationUpdate: async ({ actor, params, body }) =>
      toOrganization(
        await organizations.update(actor, params.organization, { ...body, displayName: body.display_name }),
      ),
    organizationDelete: async ({ actor, params }) => {
      await organizations.delete(actor, params.organization);
      return { message: "Organization has been deleted." };
    },
    organizationRoleList: async ({ actor, params }) => {
      const { id } = await organizations.require(actor, "read", params.organization);
      const assignable = new Set(assignableRoles(requireUser(actor).subject, id));
      return Object.keys(ORGANIZATION_ROLES).map((role) => ({
        ...toRole(role),
        organization_id: id,
        assignable: assignable.has(role),
        built_in: true,
        site_permissions: [],
        organization_permissions: [],
        organization_member_permissions: [],
        user_permissions: [],
      }));
    },
    memberAdd: async ({ actor, params }) =>
      toMembership(await organizations.addMember(actor, params.organization, params.user)),
    memberRemove: async ({ actor, params }) => {
      await organizations.removeMember(actor, params.organization, params.user);
      return undefined;
    },
    memberRolesUpdate: async ({ actor, params, body }) =>
      toMembership(await organizations.setMemberRoles(actor, params.organization, params.user, body.roles)),
    memberList: async ({ actor, params }) =>
      (await organizations.members(actor, params.organization)).map(toMember),
    memberListPaginated: async ({ actor, params, query }) => {
      const members = await organizations.members(actor, params.organization);
      const offset = query.offset ?? 0;
      const page = members.slice(offset, query.limit ? offset + query.limit : undefined);
      return { members: page.map(toMember), count: members.length };
    },
    memberAvailableOwnerList: async ({ actor, params, query }) => {
      const members = await organizations.ownersOfNewWorkspaces(actor, params.organization);
      const wanted = (query.q ?? "").toLowerCase();
      const found = members.filter(({ user }) =>
        [user.username, user.email, user.name].some((text) => text.toLowerCase().includes(wanted)),
      );
      const offset = query.offset ?? 0;
      return found
        .slice(offset, query.limit ? offset + query.limit : undefined)
        .map(({ user }) => ({ id: user.id, username: user.username, avatar_url: user.avatarUrl }));
    },
    memberQuota: ({ actor, params }) => quotaOf(actor, params.organization, params.user),
    userQuota: ({ actor, params }) => quotaOf(actor, "default", params.user),
    memberGet: async ({ actor, params }) =>
      toMember(await organizations.member(actor, params.organization, params.user)),
  } satisfies Partial<Handlers>;
}
