import * as z from "zod";
import { map, maybe } from "../wire.js";
import { Group } from "./organizations.js";
import { TemplateRole } from "./templates.js";
import { User } from "./users.js";

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
