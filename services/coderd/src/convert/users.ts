import type * as wire from "@fleet/sdk";
import type { ApiKeyRow } from "../apikeys/store.js";
import type { OrganizationRow } from "../organizations/store.js";
import type { UserRow } from "../users/store.js";

/** Converts a role name to its display form: `user-admin` → `User Admin`. */
export function toRole(name: string, organizationId?: string): wire.SlimRole {
  const display = name
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(" ");
  return { name, display_name: display, ...(organizationId ? { organization_id: organizationId } : {}) };
}

/** What members of a group may see of each other. */
export function toReducedUser(user: Omit<UserRow, "memberships">): wire.Group["members"][number] {
  return {
    id: user.id,
    username: user.username,
    name: user.name,
    email: user.email,
    avatar_url: user.avatarUrl,
    created_at: user.createdAt.toISOString(),
    updated_at: user.updatedAt.toISOString(),
    last_seen_at: user.lastSeenAt.toISOString(),
    status: user.status,
    login_type: user.loginType,
    theme_preference: "",
  };
}

export function toUser(user: UserRow): wire.User {
  return {
    ...toReducedUser(user),
    organization_ids: user.memberships.map(({ organizationId }) => organizationId),
    roles: user.roles.map((role) => toRole(role)),
    is_service_account: user.email === "",
  };
}

export function toOrganization(row: OrganizationRow): wire.Organization {
  return {
    id: row.id,
    name: row.name,
    display_name: row.displayName,
    description: row.description,
    icon: row.icon,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
    is_default: row.isDefault,
    default_org_member_roles: row.defaultMemberRoles,
  };
}

function toAllowList(entries: readonly string[]): { type: string; id: string }[] {
  return (entries.length > 0 ? entries : ["*:*"]).map((entry) => {
    const [type = "", id = ""] = entry.split(":");
    return { type, id };
  });
}

export function toApiKey(key: ApiKeyRow): wire.ApiKey {
  return {
    id: key.id,
    user_id: key.userId,
    last_used: key.lastUsed.toISOString(),
    expires_at: key.expiresAt.toISOString(),
    created_at: key.createdAt.toISOString(),
    updated_at: key.updatedAt.toISOString(),
    login_type: key.oauth2GrantId === null ? key.loginType : "oauth2_provider_app",
    scope: key.scopes[0] ?? "all",
    scopes: key.scopes,
    allow_list: toAllowList(key.allowList),
    token_name: key.tokenName,
    lifetime_seconds: key.lifetimeSeconds,
    username: key.username,
  };
}
