import * as z from "zod";
import { Description, Id, INT4_MAX, int, Label, list, maybe, Name, Timestamp, Url } from "../wire.js";
import { SlimRole, User } from "./users.js";

export const Organization = z.object({
  id: Id,
  name: z.string(),
  display_name: z.string(),
  icon: z.string(),
  description: z.string(),
  created_at: Timestamp,
  updated_at: Timestamp,
  is_default: z.boolean(),
  /** Roles that every member has besides its own. A server of an earlier release does not say. */
  default_org_member_roles: z.array(z.string()).optional(),
});
export type Organization = z.infer<typeof Organization>;

export const CreateOrganizationRequest = z.object({
  name: Name,
  display_name: maybe(Label),
  description: maybe(Description),
  icon: maybe(Url),
});
export type CreateOrganizationRequest = z.input<typeof CreateOrganizationRequest>;

/** Omitted fields and a blank name stay unchanged. */
export const UpdateOrganizationRequest = z.object({
  name: maybe(Name),
  display_name: maybe(Label),
  description: maybe(Description),
  icon: maybe(Url),
  default_org_member_roles: maybe(list(Name)),
});
export type UpdateOrganizationRequest = z.input<typeof UpdateOrganizationRequest>;

const PermissionInput = z.object({ negate: maybe(z.boolean()), resource_type: Name, action: Name });

/** A custom role. An organization's role has no site and no user permissions: both lists must be empty. */
export const CustomRoleRequest = z.object({
  name: Name,
  display_name: maybe(Label),
  organization_permissions: maybe(list(PermissionInput)),
  organization_member_permissions: maybe(list(PermissionInput)),
  site_permissions: maybe(list(PermissionInput)),
  user_permissions: maybe(list(PermissionInput)),
});
export type CustomRoleRequest = z.input<typeof CustomRoleRequest>;

export const OrganizationMember = z.object({
  user_id: Id,
  organization_id: Id,
  created_at: Timestamp,
  updated_at: Timestamp,
  roles: z.array(SlimRole),
  username: z.string(),
  name: z.string().optional(),
  avatar_url: z.string().optional(),
  email: z.string(),
  global_roles: z.array(SlimRole),
});
export type OrganizationMember = z.infer<typeof OrganizationMember>;

export const PaginatedMembersResponse = z.object({
  members: z.array(OrganizationMember),
  count: z.number(),
});
export type PaginatedMembersResponse = z.infer<typeof PaginatedMembersResponse>;

/** A member's row as stored: the response to adding a member and to changing roles. */
export const MembershipResponse = OrganizationMember.pick({
  user_id: true,
  organization_id: true,
  created_at: true,
  updated_at: true,
  roles: true,
});
export type MembershipResponse = z.infer<typeof MembershipResponse>;

export const Group = z.object({
  id: Id,
  name: z.string(),
  display_name: z.string(),
  organization_id: Id,
  members: z.array(User.omit({ organization_ids: true, roles: true })),
  total_member_count: z.number(),
  avatar_url: z.string(),
  quota_allowance: z.number(),
  source: z.enum(["user", "oidc"]),
  organization_name: z.string(),
  organization_display_name: z.string(),
});
export type Group = z.infer<typeof Group>;

export const CreateGroupRequest = z.object({
  name: Name,
  display_name: maybe(Label),
  avatar_url: maybe(Url),
  quota_allowance: maybe(int(0, INT4_MAX)),
});
export type CreateGroupRequest = z.input<typeof CreateGroupRequest>;

/** A blank name leaves the name unchanged. Users are given by id or username. */
export const UpdateGroupRequest = z.object({
  add_users: maybe(list(Name)),
  remove_users: maybe(list(Name)),
  name: maybe(Name),
  display_name: maybe(Label),
  avatar_url: maybe(Url),
  quota_allowance: maybe(int(0, INT4_MAX)),
});
export type UpdateGroupRequest = z.input<typeof UpdateGroupRequest>;

/** Credits per day. */
export const WorkspaceQuota = z.object({
  credits_consumed: z.number(),
  budget: z.number(),
  /**
   * False if no group of the organization has a quota allowance, so that nothing is refused. A server of an earlier
   * release does not say.
   */
  limited: z.boolean().optional(),
});
export type WorkspaceQuota = z.infer<typeof WorkspaceQuota>;

/** How much of their quotas users and groups of an organization use. */
export const QuotaUsage = z.object({
  /** One page, the largest consumers first. */
  users: z.array(
    WorkspaceQuota.extend({ user_id: Id, username: z.string(), name: z.string(), avatar_url: z.string() }),
  ),
  /** Of all pages. */
  count: z.number(),
  groups: z.array(
    z.object({
      group_id: Id,
      name: z.string(),
      display_name: z.string(),
      /** What the group adds to the budget of each member. */
      quota_allowance: z.number(),
      total_member_count: z.number(),
      /** What the members' workspaces cost together. */
      credits_consumed: z.number(),
    }),
  ),
});
export type QuotaUsage = z.infer<typeof QuotaUsage>;
