import { isUuid } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import type { TemplateAcl, TemplateRole } from "../auth/template-access.js";
import type { GroupRow, GroupStore, GroupView } from "../groups/store.js";
import type { Templates } from "../templates/service.js";
import type { UserRow, UserStore } from "../users/store.js";
import { CANDIDATES_LIMIT, type CandidatePage } from "./workspaces.js";

export type Shared<T> = { row: T; role: TemplateRole };

/** The users and groups that templates are shared with, for actors who may update the template. */
export type Sharing = {
  /** @throws TemplateNotFound if the actor may not update the template. */
  ofTemplate(
    actor: Actor,
    templateId: string,
  ): Promise<{ users: Shared<UserRow>[]; groups: Shared<GroupView>[] }>;
  /** One page of the members and groups of the template's organization whose names match. */
  candidates(
    actor: Actor,
    templateId: string,
    page: CandidatePage,
  ): Promise<{ users: UserRow[]; groups: GroupView[] }>;
};

export function createSharing(options: {
  templates: Templates;
  users: UserStore;
  groups: GroupStore;
}): Sharing {
  const { templates, users, groups } = options;
  const asSeenBy = (actor: Actor, rows: readonly GroupRow[]) =>
    groups.withMembers(rows, authorizer.reach(requireUser(actor), "read", "group_member"));

  return {
    async ofTemplate(actor, templateId) {
      const template = await templates.require(actor, "update", templateId);
      const [userAcl, groupAcl] = [template.userAcl as TemplateAcl, template.groupAcl as TemplateAcl];
      const [userRows, groupRows] = await Promise.all([
        // An earlier release accepted keys that are not ids.
        users.byIds(Object.keys(userAcl).filter(isUuid)),
        groups.list({ ids: Object.keys(groupAcl).filter(isUuid) }),
      ]);
      return {
        users: userRows.map((row) => ({ row, role: roleOf(userAcl[row.id]) })),
        groups: (await asSeenBy(actor, groupRows)).map((row) => ({ row, role: roleOf(groupAcl[row.id]) })),
      };
    },

    async candidates(actor, templateId, { search, limit, offset }) {
      const { organizationId } = await templates.require(actor, "update", templateId);
      const page = { search, limit: Math.min(limit || CANDIDATES_LIMIT, CANDIDATES_LIMIT), offset };
      const [userRows, groupRows] = await Promise.all([
        users.membersOf(organizationId, page),
        groups.list({ organizationId, ...page }),
      ]);
      return { users: userRows, groups: await asSeenBy(actor, groupRows) };
    },
  };
}

function roleOf(roles: TemplateRole[] | undefined): TemplateRole {
  return roles?.includes("admin") ? "admin" : "use";
}
