import { FleetError } from "@fleet/base";
import type { Action } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer } from "../auth/authorizer.js";
import type { Organizations } from "../organizations/service.js";
import { nameViolation, type Users } from "../users/service.js";
import { type GroupRow, type GroupStore, isEveryone } from "./store.js";

/** Groups of organization members. */
export type Groups = {
  /** @throws not_found if the group does not exist or the actor may not read it. */
  get(actor: Actor, id: string): Promise<GroupView>;
  /** @throws not_found if the group does not exist or the actor may not read it. */
  getByName(actor: Actor, organization: string, name: string): Promise<GroupView>;
  /** The matching groups that the actor may read. */
  list(
    actor: Actor,
    filter: { organization?: string | undefined; member?: string | undefined },
  ): Promise<GroupView[]>;
  /** @throws already_exists if the organization already has a group of this name. */
  create(actor: Actor, organization: string, request: GroupChange & { name: string }): Promise<GroupRow>;
  /** Updates the group and its members together. */
  update(actor: Actor, id: string, change: GroupChange): Promise<GroupRow>;
  /** The group of all members cannot be deleted. */
  delete(actor: Actor, id: string): Promise<void>;
};

export class GroupNotFound extends FleetError {
  constructor() {
    super("not_found", "Group not found, or you do not have access to it.");
  }
}

/** A group with the members visible to the actor, and the total number of members. */
export type GroupView = GroupRow & { memberCount: number };

export type GroupChange = {
  name?: string | undefined;
  displayName?: string | undefined;
  avatarUrl?: string | undefined;
  quotaAllowance?: number | undefined;
  addUsers?: readonly string[] | undefined;
  removeUsers?: readonly string[] | undefined;
};

export function createGroups(options: {
  store: GroupStore;
  organizations: Organizations;
  users: Users;
}): Groups {
  const { store, organizations, users } = options;

  /** Members may see their group, so they are treated as having `read`. */
  function objectOf(group: { id: string; organizationId: string }) {
    const acl = { groups: { [group.id]: ["read"] as const } };
    return { type: "group", id: group.id, orgId: group.organizationId, acl } as const;
  }

  function allow(actor: Actor, action: Action, group: GroupRow | null): GroupRow {
    if (!group) throw new GroupNotFound();
    authorizer.require(actor, action, objectOf(group), new GroupNotFound());
    return group;
  }

  /** A member sees the group and itself in it. */
  function asSeenBy(actor: Actor, group: GroupRow): GroupView {
    const members = authorizer.filter(actor, "read", "group_member", group.members, ({ userId }) => ({
      orgId: group.organizationId,
      ownerId: userId,
    }));
    return { ...group, members, memberCount: group.members.length };
  }

  return {
    async get(actor, id) {
      return asSeenBy(actor, allow(actor, "read", await store.find(id)));
    },

    async getByName(actor, organization, name) {
      const { id } = await organizations.require(actor, "read", organization);
      return asSeenBy(actor, allow(actor, "read", await store.findByName(id, name)));
    },

    async list(actor, filter) {
      const found = filter.organization
        ? [await organizations.require(actor, "read", filter.organization)]
        : await organizations.list(actor);
      const member = filter.member ? await users.require(actor, "read", filter.member) : undefined;
      const rows = await store.list({
        organizationIds: found.map(({ id }) => id),
        ...(member ? { memberId: member.id } : {}),
      });
      const seen = authorizer.filter(actor, "read", "group", rows, objectOf);
      return seen.map((row) => asSeenBy(actor, row));
    },

    async create(actor, organization, request) {
      const { id } = await organizations.require(actor, "read", organization);
      const refused = new FleetError(
        "permission_denied",
        "You do not have permission to create groups in this organization.",
      );
      authorizer.require(actor, "create", { type: "group", orgId: id }, refused);
      checkName(request.name);
      return store.insert({
        organizationId: id,
        name: request.name,
        displayName: request.displayName ?? "",
        avatarUrl: request.avatarUrl ?? "",
        quotaAllowance: request.quotaAllowance ?? 0,
      });
    },

    async update(actor, id, change) {
      const group = allow(actor, "update", await store.find(id));
      if (change.name && change.name !== group.name) checkName(change.name);
      const moves = (change.addUsers?.length ?? 0) + (change.removeUsers?.length ?? 0) > 0;
      if (isEveryone(group) && (moves || (change.name && change.name !== group.name))) {
        throw new FleetError(
          "invalid_argument",
          'The "Everyone" group contains all members of the organization. Its name and members cannot be changed.',
        );
      }
      const idsOf = async (names: readonly string[] = []) =>
        Promise.all(names.map(async (name) => (await users.find(actor, name)).id));
      return store.update(
        group,
        {
          ...(change.name ? { name: change.name } : {}),
          ...(change.displayName !== undefined ? { displayName: change.displayName } : {}),
          ...(change.avatarUrl !== undefined ? { avatarUrl: change.avatarUrl } : {}),
          ...(change.quotaAllowance !== undefined ? { quotaAllowance: change.quotaAllowance } : {}),
        },
        { add: await idsOf(change.addUsers), remove: await idsOf(change.removeUsers) },
      );
    },

    async delete(actor, id) {
      const group = allow(actor, "delete", await store.find(id));
      if (isEveryone(group)) {
        throw new FleetError("invalid_argument", 'The "Everyone" group cannot be deleted.');
      }
      await store.delete(group);
    },
  };
}

function checkName(name: string): void {
  const violation =
    name.toLowerCase() === "everyone"
      ? { field: "name", detail: 'The name "Everyone" is reserved. Choose another name.' }
      : nameViolation(name, "name");
  if (violation) throw new FleetError("invalid_argument", violation.detail, { validations: [violation] });
}
