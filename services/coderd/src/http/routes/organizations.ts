import { FleetError } from "@fleet/base";
import { assignableRoles, ORGANIZATION_ROLES } from "@fleet/rbac";
import type { RouteBody, Routes } from "@fleet/sdk";
import { requireUser } from "../../auth/authorizer.js";
import {
  toMember,
  toMembership,
  toQuota,
  toQuotaUsage,
  toRoleDefinition,
} from "../../convert/organizations.js";
import { toOrganization, toRole } from "../../convert/users.js";
import type { CustomRoles } from "../../organizations/roles.js";
import type { Organizations } from "../../organizations/service.js";
import type { Quotas } from "../../quotas/service.js";
import type { Handlers } from "../handler.js";

export function createOrganizationHandlers({
  organizations,
  customRoles,
  quotas,
}: {
  organizations: Organizations;
  customRoles: CustomRoles;
  quotas: Quotas;
}) {
  return {
    organizationList: async ({ actor }) => (await organizations.list(actor)).map(toOrganization),
    organizationGet: async ({ actor, params }) =>
      toOrganization(await organizations.require(actor, "read", params.organization)),
    organizationCreate: async ({ actor, body }) =>
      toOrganization(await organizations.create(actor, { ...body, displayName: body.display_name })),
    organizationUpdate: async ({ actor, params, body }) =>
      toOrganization(
        await organizations.update(actor, params.organization, {
          ...body,
          displayName: body.display_name,
          defaultMemberRoles: body.default_org_member_roles,
        }),
      ),
    organizationDelete: async ({ actor, params }) => {
      await organizations.delete(actor, params.organization);
      return { message: "Organization has been deleted." };
    },
    organizationRoleList: async ({ actor, params }) => {
      const { id } = await organizations.require(actor, "read", params.organization);
      const assignable = new Set(assignableRoles(requireUser(actor).subject, id));
      const builtIn = Object.keys(ORGANIZATION_ROLES).map((role) => ({
        ...toRole(role),
        organization_id: id,
        assignable: assignable.has(role),
        built_in: true,
        site_permissions: [],
        organization_permissions: [],
        organization_member_permissions: [],
        user_permissions: [],
      }));
      const custom = await customRoles.list(actor, id);
      return [
        ...builtIn,
        ...custom.map(({ row, assignable }) => ({ ...toRoleDefinition(row), assignable, built_in: false })),
      ];
    },
    organizationRoleCreate: async ({ actor, params, body }) => [
      toRoleDefinition(await customRoles.create(actor, params.organization, definitionOf(body))),
    ],
    organizationRoleUpdate: async ({ actor, params, body }) => [
      toRoleDefinition(await customRoles.update(actor, params.organization, definitionOf(body))),
    ],
    organizationRoleDelete: async ({ actor, params }) => {
      await customRoles.delete(actor, params.organization, params.roleName);
      return undefined;
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
      (await organizations.members(actor, params.organization)).rows.map(toMember),
    memberListPaginated: async ({ actor, params, query }) => {
      const { rows, count } = await organizations.members(actor, params.organization, query);
      return { members: rows.map(toMember), count };
    },
    memberAvailableOwnerList: async ({ actor, params, query }) => {
      const { q: search, limit, offset } = query;
      const page = { search, limit, offset };
      const members = await organizations.ownersOfNewWorkspaces(actor, params.organization, page);
      return members.map(({ user }) => ({
        id: user.id,
        username: user.username,
        avatar_url: user.avatarUrl,
      }));
    },
    memberQuota: async ({ actor, params }) =>
      toQuota(await quotas.of(actor, params.organization, params.user)),
    userQuota: async ({ actor, params }) => toQuota(await quotas.of(actor, "default", params.user)),
    organizationQuotas: async ({ actor, params, query }) =>
      toQuotaUsage(await quotas.list(actor, params.organization, query)),
    memberGet: async ({ actor, params }) =>
      toMember(await organizations.member(actor, params.organization, params.user)),
  } satisfies Partial<Handlers>;
}

type RoleBody = RouteBody<Routes["organizationRoleCreate"]>;

/** Throws `invalid_argument` for permissions that a role of an organization cannot have. */
function definitionOf(body: RoleBody) {
  for (const field of ["site_permissions", "user_permissions"] as const) {
    if ((body[field]?.length ?? 0) === 0) continue;
    const detail =
      "A role of an organization applies to objects of the organization only. Use organization_permissions and organization_member_permissions.";
    throw new FleetError("invalid_argument", detail, { validations: [{ field, detail }] });
  }
  const permissions = (given: RoleBody["organization_permissions"]) =>
    (given ?? []).map(({ resource_type, action, negate = false }) => ({ resource_type, action, negate }));
  return {
    name: body.name,
    displayName: body.display_name ?? "",
    organizationPermissions: permissions(body.organization_permissions),
    memberPermissions: permissions(body.organization_member_permissions),
  };
}
