import * as z from "zod";
import { Id, map, maybe } from "../wire.js";
import { Group } from "./organizations.js";
import { TemplateRole } from "./templates.js";
import { MinimalUser, User } from "./users.js";

/** Who may use or administer a template. `group` is a list, despite its name. */
export const TemplateAcl = z.object({
  users: z.array(User.extend({ role: TemplateRole })),
  group: z.array(Group.extend({ role: TemplateRole })),
});
export type TemplateAcl = z.infer<typeof TemplateAcl>;

/** Ids to roles; an empty role removes the entry. */
export const UpdateTemplateAclRequest = z.object({
  user_perms: maybe(map(TemplateRole)),
  group_perms: maybe(map(TemplateRole)),
});
export type UpdateTemplateAclRequest = z.input<typeof UpdateTemplateAclRequest>;

/** Users and groups that a template can be shared with. */
export const AclAvailable = z.object({ users: z.array(User), groups: z.array(Group) });
export type AclAvailable = z.infer<typeof AclAvailable>;

export const WorkspaceRole = z.enum(["admin", "use", ""]);
export type WorkspaceRole = z.infer<typeof WorkspaceRole>;

const SharedUser = MinimalUser.extend({ name: z.string() });

/** Who a workspace is shared with. `group` is a list, despite its name. */
export const WorkspaceAcl = z.object({
  users: z.array(SharedUser.extend({ role: WorkspaceRole })),
  group: z.array(Group.extend({ role: WorkspaceRole })),
});
export type WorkspaceAcl = z.infer<typeof WorkspaceAcl>;

/** Ids to roles; an empty role removes the entry. */
export const UpdateWorkspaceAclRequest = z.object({
  user_roles: maybe(map(WorkspaceRole)),
  group_roles: maybe(map(WorkspaceRole)),
});
export type UpdateWorkspaceAclRequest = z.input<typeof UpdateWorkspaceAclRequest>;

/** Users and groups that a workspace can be shared with. */
export const WorkspaceAclAvailable = z.object({ users: z.array(SharedUser), groups: z.array(Group) });
export type WorkspaceAclAvailable = z.infer<typeof WorkspaceAclAvailable>;

/** A user or group that a workspace is shared with. */
export const SharedWorkspaceActor = z.object({
  id: Id,
  actor_type: z.enum(["user", "group"]),
  name: z.string(),
  avatar_url: z.string().optional(),
  roles: z.array(WorkspaceRole),
});
export type SharedWorkspaceActor = z.infer<typeof SharedWorkspaceActor>;

const ShareableWorkspaceOwners = z.enum(["none", "everyone", "service_accounts"]);

export const WorkspaceSharingSettings = z.object({
  /** The whole deployment has sharing disabled (CODER_DISABLE_WORKSPACE_SHARING). */
  sharing_globally_disabled: z.boolean(),
  /** Deprecated: `shareable_workspace_owners` is `none`. */
  sharing_disabled: z.boolean(),
  shareable_workspace_owners: ShareableWorkspaceOwners,
});
export type WorkspaceSharingSettings = z.infer<typeof WorkspaceSharingSettings>;

/** `sharing_disabled` is read only if `shareable_workspace_owners` is omitted. */
export const UpdateWorkspaceSharingSettingsRequest = z.object({
  sharing_disabled: maybe(z.boolean()),
  shareable_workspace_owners: maybe(ShareableWorkspaceOwners),
});
export type UpdateWorkspaceSharingSettingsRequest = z.input<typeof UpdateWorkspaceSharingSettingsRequest>;
