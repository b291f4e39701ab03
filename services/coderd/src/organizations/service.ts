import { FleetError, isFleetError } from "@fleet/base";
import {
  type Action,
  canAssignRole,
  DEFAULT_MEMBER_ROLES,
  holdsAll,
  holdsOwner,
  ORGANIZATION_ROLES,
} from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { toPolicy } from "../roles/policy.js";
import type { RoleStore } from "../roles/store.js";
import { nameViolation, type Users } from "../users/service.js";
import type { MemberPage, MemberRow, OrganizationRow, OrganizationStore } from "./store.js";

/** Organizations and their members. */
export type Organizations = {
  /** The organization by id, name or `default`, if the actor may perform this action on it. */
  require(actor: Actor, action: Action, organization: string): Promise<OrganizationRow>;
  /** Organizations that the actor may read; with a member, only that user's. */
  list(actor: Actor, memberId?: string): Promise<OrganizationRow[]>;
  /** @throws already_exists if another organization has this name. */
  create(actor: Actor, request: OrganizationChange & { name: string }): Promise<OrganizationRow>;
  /** @throws already_exists if another organization has this name. */
  update(actor: Actor, organization: string, change: OrganizationChange): Promise<OrganizationRow>;
  /**
   * @throws invalid_argument for the default organization, failed_precondition while it has workspaces or templates.
   */
  delete(actor: Actor, organization: string): Promise<void>;
  /** No-op if the user is already a member. */
  addMember(actor: Actor, organization: string, user: string): Promise<MemberRow>;
  /** @throws permission_denied if the member has roles that the actor does not have. */
  removeMember(actor: Actor, organization: string, user: string): Promise<void>;
  /** Sets a member's roles in the organization. The actor can only grant or revoke roles that they may assign. */
  setMemberRoles(
    actor: Actor,
    organization: string,
    user: string,
    roles: readonly string[],
  ): Promise<MemberRow>;
  /** One page of the memberships that the actor may read, by username, and their count. */
  members(
    actor: Actor,
    organization: string,
    page?: MemberPage,
  ): Promise<{ rows: MemberRow[]; count: number }>;
  /** One page of the members for whom the actor may create a workspace. */
  ownersOfNewWorkspaces(actor: Actor, organization: string, page: MemberPage): Promise<MemberRow[]>;
  /** The membership of the user given by id, name or `me`. */
  member(actor: Actor, organization: string, user: string): Promise<MemberRow>;
};

export class OrganizationNotFound extends FleetError {
  constructor() {
    super("not_found", "Organization not found, or you do not have access to it.");
  }
}

export type OrganizationChange = {
  name?: string | undefined;
  displayName?: string | undefined;
  description?: string | undefined;
  icon?: string | undefined;
  /** Roles that every member has besides its own. */
  defaultMemberRoles?: readonly string[] | undefined;
};

/** Implied by membership, and never stored. */
const IMPLIED = "organization-member";

export function createOrganizations(options: {
  store: OrganizationStore;
  users: Users;
  roles: RoleStore;
}): Organizations {
  const { store, users, roles } = options;

  /** Requires that the actor may assign or remove each of the roles. @returns those of `kept` that exist. */
  async function requireAssignable(
    actor: Actor,
    organizationId: string,
    field: string,
    { changed, kept }: { changed: readonly string[]; kept: readonly string[] },
  ): Promise<string[]> {
    const isBuiltIn = (name: string) => Object.hasOwn(ORGANIZATION_ROLES, name);
    const found = await roles.named(
      organizationId,
      [...changed, ...kept].filter((name) => !isBuiltIn(name)),
    );
    const custom = new Map(found.map((row) => [row.name, toPolicy(row)]));
    const { subject } = requireUser(actor);
    const refused = changed.find((name) => {
      const role = isBuiltIn(name) ? name : custom.get(name);
      // A role that no longer exists grants nothing, and can be removed.
      return role ? !canAssignRole(subject, role, organizationId) : kept.includes(name);
    });
    if (refused !== undefined) {
      const detail = `The role "${refused}" does not exist, or you do not have permission to assign it.`;
      throw new FleetError("permission_denied", detail, { validations: [{ field, detail }] });
    }
    return kept.filter((name) => isBuiltIn(name) || custom.has(name));
  }

  async function require(actor: Actor, action: Action, organization: string): Promise<OrganizationRow> {
    const row = await store.find(organization);
    if (!row) throw new OrganizationNotFound();
    authorizer.require(
      actor,
      action,
      { type: "organization", id: row.id, orgId: row.id },
      new OrganizationNotFound(),
    );
    return row;
  }

  /**
   * The membership, if the actor may perform this action on it. Users who do not exist and non-members get the same
   * error.
   */
  async function requireMember(actor: Actor, action: "read" | "delete", organization: string, user: string) {
    const { id } = await require(actor, "read", organization);
    const missing = new FleetError(
      "not_found",
      "The user is not a member of the organization, or you do not have access to it.",
    );
    const found = await users.find(actor, user).catch((error) => {
      throw isFleetError(error, "not_found") ? missing : error;
    });
    const row = await store.member(id, found.id);
    if (!row) throw missing;
    const object = { type: "organization_member", orgId: id, ownerId: found.id } as const;
    authorizer.require(actor, action, object, missing);
    return row;
  }

  return {
    require,

    list: async (actor, memberId) =>
      store.list(authorizer.reach(requireUser(actor), "read", "organization"), memberId),

    async create(actor, request) {
      authorizer.require(actor, "create", { type: "organization" }, new OrganizationNotFound());
      checkName(request.name);
      return store.insert({
        name: request.name,
        displayName: request.displayName || request.name,
        description: request.description ?? "",
        icon: request.icon ?? "",
        defaultMemberRoles: [...DEFAULT_MEMBER_ROLES],
      });
    },

    async update(actor, organization, change) {
      const row = await require(actor, "update", organization);
      if (change.name) checkName(change.name);
      const wanted = change.defaultMemberRoles && distinct(change.defaultMemberRoles);
      const defaults =
        wanted &&
        (await requireAssignable(actor, row.id, "default_org_member_roles", {
          changed: changedBetween(row.defaultMemberRoles, wanted),
          kept: wanted,
        }));
      return store.update(row.id, {
        ...(change.name ? { name: change.name } : {}),
        ...(change.displayName !== undefined
          ? { displayName: change.displayName || change.name || row.name }
          : {}),
        ...(change.description !== undefined ? { description: change.description } : {}),
        ...(change.icon !== undefined ? { icon: change.icon } : {}),
        ...(defaults ? { defaultMemberRoles: defaults } : {}),
      });
    },

    async delete(actor, organization) {
      const row = await require(actor, "delete", organization);
      if (row.isDefault)
        throw new FleetError("invalid_argument", "The default organization cannot be deleted.");
      if ((await store.countContents(row.id)) > 0) {
        throw new FleetError(
          "failed_precondition",
          "The organization still has workspaces or templates. Delete them, then try again.",
        );
      }
      await store.update(row.id, { deleted: true });
    },

    async addMember(actor, organization, user) {
      const { id } = await require(actor, "read", organization);
      authorizer.require(
        actor,
        "create",
        { type: "organization_member", orgId: id },
        new OrganizationNotFound(),
      );
      const { id: userId } = await users.find(actor, user);
      return store.addMember(id, userId);
    },

    async removeMember(actor, organization, user) {
      const { organizationId, userId } = await requireMember(actor, "delete", organization, user);
      const held = (await roles.ofUser(userId))[organizationId] ?? [];
      if (!holdsAll(requireUser(actor).subject, { roles: [], orgRoles: { [organizationId]: held } })) {
        throw new FleetError(
          "permission_denied",
          "The member has roles that you do not have. Ask a site owner or organization administrator.",
        );
      }
      await store.removeMember(organizationId, userId);
    },

    async setMemberRoles(actor, organization, user, names) {
      const member = await requireMember(actor, "read", organization, user);
      const { organizationId: id, userId } = member;
      authorizer.require(actor, "assign", { type: "assign_org_role", orgId: id }, new OrganizationNotFound());
      const { subject } = requireUser(actor);
      if (userId === subject.userId && !holdsOwner(subject.roles)) {
        throw new FleetError(
          "invalid_argument",
          "You cannot change your own roles in an organization. Ask another administrator.",
        );
      }
      const kept = distinct(names);
      const changed = changedBetween(member.roles, kept);
      return store.setRoles(id, userId, await requireAssignable(actor, id, "roles", { changed, kept }));
    },

    async members(actor, organization, page = {}) {
      const { id } = await require(actor, "read", organization);
      const reach = authorizer.reach(requireUser(actor), "read", "organization_member");
      return store.members(id, reach, page);
    },

    async ownersOfNewWorkspaces(actor, organization, page) {
      const { id } = await require(actor, "read", organization);
      const reach = authorizer.reach(requireUser(actor), "create", "workspace");
      return (await store.members(id, reach, page)).rows;
    },

    member: (actor, organization, user) => requireMember(actor, "read", organization, user),
  };
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)].filter((name) => name !== IMPLIED);
}

/** The roles in one list only. */
function changedBetween(before: readonly string[], after: readonly string[]): string[] {
  return [...new Set([...before, ...after])].filter((name) => before.includes(name) !== after.includes(name));
}

function checkName(name: string): void {
  const violation = nameViolation(name, "name");
  if (violation) throw new FleetError("invalid_argument", violation.detail, { validations: [violation] });
}
