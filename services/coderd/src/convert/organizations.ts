import type * as wire from "@fleet/sdk";
import type { OrganizationStore } from "../organizations/store.js";
import { toRole } from "./users.js";

type MemberRow = NonNullable<Awaited<ReturnType<OrganizationStore["member"]>>>;

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
