import * as z from "zod";
import { maybe } from "../wire.js";
import { Group } from "./organizations.js";
import { TemplateRole } from "./templates.js";
import { MinimalUser, User } from "./users.js";

/** Who may use or administer a template. `group` is a list, for all its name. */
export const TemplateAcl = z.object({
  users: z.array(User.extend({ role: TemplateRole })),
  group: z.array(Group.extend({ role: TemplateRole })),
});
export type TemplateAcl = z.infer<typeof TemplateAcl>;

/** Ids to roles; an empty role takes the entry away. */
export const UpdateTemplateAclRequest = z.object({
  user_perms: maybe(z.record(z.string(), TemplateRole)),
  group_perms: maybe(z.record(z.string(), TemplateRole)),
});
export type UpdateTemplateAclRequest = z.input<typeof UpdateTemplateAclRequest>;

/** Whom a template can be shared with. */
export const AclAvailable = z.object({ users: z.array(User), groups: z.array(Group) });
export type AclAvailable = z.infer<typeof AclAvailable>;

/** `use`: open apps and terminals. `admin`: start, stop and change it too. */
export const WorkspaceRole = z.enum(["admin", "use", ""]);
export type WorkspaceRole = z.infer<typeof WorkspaceRole>;

/** With whom a workspace is shared. */
export const WorkspaceAcl = z.object({
  users: z.array(MinimalUser.extend({ role: WorkspaceRole })),
  group: z.array(Group.extend({ role: WorkspaceRole })),
});
export type WorkspaceAcl = z.infer<typeof WorkspaceAcl>;

/** Ids to roles; an empty role takes the entry away. */
export const UpdateWorkspaceAclRequest = z.object({
  user_roles: maybe(z.record(z.string(), WorkspaceRole)),
  group_roles: maybe(z.record(z.string(), WorkspaceRole)),
});
export type UpdateWorkspaceAclRequest = z.input<typeof UpdateWorkspaceAclRequest>;
