import { isUuid } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import type { TemplateAcl, TemplateRole } from "../auth/template-access.js";
import type { GroupRow, GroupStore } from "../groups/store.js";
import type { Templates } from "../templates/service.js";
import type { UserRow, UserStore } from "../users/store.js";

export type Shared<T> = { row: T; role: TemplateRole };

/** The users and groups that templates are shared with, for actors who may update the template. */
export type Sharing = {
  /** @throws TemplateNotFound if the actor may not update the template. */
  ofTemplate(
    actor: Actor,
    templateId: string,
  ): Promise<{ users: Shared<UserRow>[]; groups: Shared<GroupRow>[] }>;
  /** Members and groups of the template's organization. */
  candidates(actor: Actor, templateId: string): Promise<{ users: UserRow[]; groups: GroupRow[] }>;
};

export function createSharing(options: {
  templates: Templates;
  users: UserStore;
  groups: GroupStore;
}): Sharing {
  const { templates, users, groups } = options;

  return {
    async ofTemplate(actor, templateId) {
      const template = await templates.require(actor, "update", templateId);
      const [userAcl, groupAcl] = [template.userAcl as TemplateAcl, template.groupAcl as TemplateAcl];
      const [userRows, groupRows] = await Promise.all([
        // An earlier release accepted keys that are not ids.
        users.byIds(Object.keys(userAcl).filter(isUuid)),
        groups.byIds(Object.keys(groupAcl).filter(isUuid)),
      ]);
      return {
        users: userRows.map((row) => ({ row, role: roleOf(userAcl[row.id]) })),
        groups: groupRows.map((row) => ({ row, role: roleOf(groupAcl[row.id]) })),
      };
    },

    async candidates(actor, templateId) {
      const { organizationId } = await templates.require(actor, "update", templateId);
      const [userRows, groupRows] = await Promise.all([
        users.membersOf(organizationId),
        groups.list({ organizationIds: [organizationId] }),
      ]);
      return { users: userRows, groups: groupRows };
    },
  };
}

function roleOf(roles: TemplateRole[] | undefined): TemplateRole {
  return roles?.includes("admin") ? "admin" : "use";
}
