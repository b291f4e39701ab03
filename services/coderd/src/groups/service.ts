import { FleetError } from "@fleet/base";
import type { Action } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import type { Organizations } from "../organizations/service.js";
import { nameViolation, type Users } from "../users/service.js";
import { type GroupRow, type GroupStore, type GroupView, isEveryone } from "./store.js";

/** Groups of organization members. */
export type Groups = {
  /** @throws not_found if the group does not exist or the actor may not read it. */
  get(actor: Actor, id: string): Promise<GroupView>;
  /** @throws not_found if the group does not exist or the actor may not read it. */
  getByName(actor: Actor, organization: string, name: string): Promise<GroupView>;
  /** The matching groups that the actor may read. */
  list(
    actor: Actor,
    filter: {
      organization?: string | undefined;
      member?: string | undefined;
      ids?: readonly string[] | undefined;
    },
  ): Promise<GroupView[]>;
  /** @throws already_exists if the organization already has a group of this name. */
  create(actor: Actor, organization: string, request: GroupChange & { name: string }): Promise<GroupView>;
  /** Updates the group and its members together. */
  update(actor: Actor, id: string, change: GroupChange): Promise<GroupView>;
  /** The group of all members cannot be deleted. */
  delete(actor: Actor, id: string): Promise<void>;
};

export class GroupNotFound extends FleetError {
  constructor() {
    super("not_found", "Group not found, or you do not have access to it.");
  }
}

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
  const asSeenBy = (actor: Actor, groups: readonly GroupRow[]): Promise<GroupView[]> =>
    store.withMembers(groups, authorizer.reach(requireUser(actor), "read", "group_member"));
  const oneAsSeenBy = async (actor: Actor, group: GroupRow) => (await asSeenBy(actor, [group]))[0]!;

  return {
    async get(actor, id) {
      return oneAsSeenBy(actor, allow(actor, "read", await store.find(id)));
    },

    async getByName(actor, organization, name) {
      const { id } = await organizations.require(actor, "read", organization);
      return oneAsSeenBy(actor, allow(actor, "read", await store.findByName(id, name)));
    },

    async list(actor, filter) {
      const organization = filter.organization
        ? await organizations.require(actor, "read", filter.organization)
        : undefined;
      const member = filter.member ? await users.require(actor, "read", filter.member) : undefined;
      const rows = await store.list(
        { organizationId: organization?.id, memberId: member?.id, ids: filter.ids },
        authorizer.reach(requireUser(actor), "read", "group"),
      );
      return asSeenBy(actor, rows);
    },

    async create(actor, organization, request) {
      const { id } = await organizations.require(actor, "read", organization);
      const refused = new FleetError(
        "permission_denied",
        "You do not have permission to create groups in this organization.",
      );
      authorizer.require(actor, "create", { type: "group", orgId: id }, refused);
      checkName(request.name);
      const row = await store.insert({
        organizationId: id,
        name: request.name,
        displayName: request.displayName ?? "",
        avatarUrl: request.avatarUrl ?? "",
        quotaAllowance: request.quotaAllowance ?? 0,
      });
      return oneAsSeenBy(actor, row);
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
      const updated = await store.update(
        group,
        {
          ...(change.name ? { name: change.name } : {}),
          ...(change.displayName !== undefined ? { displayName: change.displayName } : {}),
          ...(change.avatarUrl !== undefined ? { avatarUrl: change.avatarUrl } : {}),
          ...(change.quotaAllowance !== undefined ? { quotaAllowance: change.quotaAllowance } : {}),
        },
        { add: await idsOf(change.addUsers), remove: await idsOf(change.removeUsers) },
      );
      return oneAsSeenBy(actor, updated);
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
