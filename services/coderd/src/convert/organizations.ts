import type * as wire from "@fleet/sdk";
import type { GroupView } from "../groups/store.js";
import type { MemberRow } from "../organizations/store.js";
import type { Quotas } from "../quotas/service.js";
import type { Quota } from "../quotas/store.js";
import type { RoleRow } from "../roles/store.js";
import { toReducedUser, toRole } from "./users.js";

export function toMember(row: MemberRow): wire.OrganizationMember {
  return {
    user_id: row.userId,
    organization_id: row.organizationId,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
    roles: row.roles.map((role) => toRole(role, row.organizationId)),
    username: row.user.username,
    name: row.user.name,
    avatar_url: row.user.avatarUrl,
    email: row.user.email,
    global_roles: row.user.roles.map((role) => toRole(role)),
  };
}

export function toGroup(row: GroupView): wire.Group {
  return {
    id: row.id,
    name: row.name,
    display_name: row.displayName,
    organization_id: row.organizationId,
    members: row.members.map(({ user }) => toReducedUser(user)),
    total_member_count: row.memberCount,
    avatar_url: row.avatarUrl,
    quota_allowance: row.quotaAllowance,
    source: row.source as "user" | "oidc",
    organization_name: row.organization.name,
    organization_display_name: row.organization.displayName,
  };
}

export function toRoleDefinition(row: RoleRow): wire.RoleDefinition {
  return {
    name: row.name,
    display_name: row.displayName || row.name,
    organization_id: row.organizationId,
    site_permissions: [],
    organization_permissions: row.organizationPermissions,
    organization_member_permissions: row.memberPermissions,
    user_permissions: [],
  };
}

/** A membership without user details, returned when a member is added or its roles change. */
export function toMembership(row: MemberRow): wire.MembershipResponse {
  const { user_id, organization_id, created_at, updated_at, roles } = toMember(row);
  return { user_id, organization_id, created_at, updated_at, roles };
}

export function toQuota({ consumed, budget, limited }: Quota): wire.WorkspaceQuota {
  return { credits_consumed: consumed, budget, limited };
}

export function toQuotaUsage({ users, groups, count }: Awaited<ReturnType<Quotas["list"]>>): wire.QuotaUsage {
  return {
    users: users.map((user) => ({
      user_id: user.userId,
      username: user.username,
      name: user.name,
      avatar_url: user.avatarUrl,
      ...toQuota(user),
    })),
    count,
    groups: groups.map((group) => ({
      group_id: group.groupId,
      name: group.name,
      display_name: group.displayName,
      quota_allowance: group.allowance,
      total_member_count: group.members,
      credits_consumed: group.consumed,
    })),
  };
}
