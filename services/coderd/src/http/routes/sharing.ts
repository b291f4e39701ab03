import { toGroup } from "../../convert/organizations.js";
import { toUser } from "../../convert/users.js";
import type { Sharing } from "../../sharing/service.js";
import type { Templates } from "../../templates/service.js";
import type { Handlers } from "../handler.js";

export function createSharingHandlers({ sharing, templates }: { sharing: Sharing; templates: Templates }) {
  return {
    templateAcl: async ({ actor, params }) => {
      const { users, groups } = await sharing.ofTemplate(actor, params.template);
      return {
        users: users.map(({ row, role }) => ({ ...toUser(row), role })),
        group: groups.map(({ row, role }) => ({ ...toGroup(row), role })),
      };
    },
    templateAclUpdate: async ({ actor, params, body }) => {
      await templates.updateAcl(actor, params.template, {
        users: body.user_perms ?? {},
        groups: body.group_perms ?? {},
      });
      return { message: "Successfully updated template ACL list." };
    },
    templateAclAvailable: async ({ actor, params }) => {
      const { users, groups } = await sharing.candidates(actor, params.template);
      return { users: users.map(toUser), groups: groups.map(toGroup) };
    },
  } satisfies Partial<Handlers>;
}
