import { toGroup } from "../../convert/organizations.js";
import type { Groups } from "../../groups/service.js";
import type { Handlers } from "../handler.js";

export function createGroupHandlers({ groups }: { groups: Groups }) {
  return {
    groupList: async ({ actor, query }) => {
      const { organization, has_member: member, group_ids: ids } = query;
      return (await groups.list(actor, { organization, member, ids })).map(toGroup);
    },
    groupListByOrganization: async ({ actor, params }) =>
      (await groups.list(actor, { organization: params.organization })).map(toGroup),
    groupCreate: async ({ actor, params, body }) =>
      toGroup(
        await groups.create(actor, params.organization, {
          name: body.name,
          displayName: body.display_name,
          avatarUrl: body.avatar_url,
          quotaAllowance: body.quota_allowance,
        }),
      ),
    groupGetByName: async ({ actor, params }) =>
      toGroup(await groups.getByName(actor, params.organization, params.groupName)),
    groupGet: async ({ actor, params }) => toGroup(await groups.get(actor, params.group)),
    groupUpdate: async ({ actor, params, body }) =>
      toGroup(
        await groups.update(actor, params.group, {
          name: body.name,
          displayName: body.display_name,
          avatarUrl: body.avatar_url,
          quotaAllowance: body.quota_allowance,
          addUsers: body.add_users,
          removeUsers: body.remove_users,
        }),
      ),
    groupDelete: async ({ actor, params }) => {
      await groups.delete(actor, params.group);
      return { message: "Group has been deleted!" };
    },
  } satisfies Partial<Handlers>;
}
