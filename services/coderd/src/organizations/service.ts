import { FleetError, isFleetError } from "@fleet/base";
import { type Action, canAssignRole, holdsAll } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { nameViolation, type Users } from "../users/service.js";
import type { MemberRow, OrganizationRow, OrganizationStore } from "./store.js";

/** Organizations and their members. */
export type Organizations = {
  /** The organization by id, name or `default`, if the actor may perform this action on it. */
  require(actor: Actor, action: Action, organization: string): Promise<OrganizationRow>;
  /** Organizations that the actor may read. */
  list(actor: Actor): Promise<OrganizationRow[]>;
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
  /** Memberships that the actor may read, by username. */
  members(actor: Actor, organization: string): Promise<MemberRow[]>;
  /** Members for whom the actor may create a workspace. */
  ownersOfNewWorkspaces(actor: Actor, organization: string): Promise<MemberRow[]>;
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
};

export function createOrganizations(options: { store: OrganizationStore; users: Users }): Organizations {
  const { store, users } = options;

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

    async list(actor) {
      const rows = await store.list();
      return authorizer.filter(actor, "read", "organization", rows, (row) => ({ id: row.id, orgId: row.id }));
    },

    async create(actor, request) {
      authorizer.require(actor, "create", { type: "organization" }, new OrganizationNotFound());
      checkName(request.name);
      return store.insert({
        name: request.name,
        displayName: request.displayName || request.name,
        description: request.description ?? "",
        icon: request.icon ?? "",
      });
    },

    async update(actor, organization, change) {
      const row = await require(actor, "update", organization);
      if (change.name) checkName(change.name);
      return store.update(row.id, {
        ...(change.name ? { name: change.name } : {}),
        ...(change.displayName !== undefined
          ? { displayName: change.displayName || change.name || row.name }
          : {}),
        ...(change.description !== undefined ? { description: change.description } : {}),
        ...(change.icon !== undefined ? { icon: change.icon } : {}),
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
      const { organizationId, userId, roles } = await requireMember(actor, "delete", organization, user);
      if (!holdsAll(requireUser(actor).subject, { roles: [], orgRoles: { [organizationId]: roles } })) {
        throw new FleetError(
          "permission_denied",
          "The member has roles that you do not have. Ask a site owner or organization administrator.",
        );
      }
      await store.removeMember(organizationId, userId);
    },

    async setMemberRoles(actor, organization, user, roles) {
      const member = await requireMember(actor, "read", organization, user);
      const { organizationId: id, userId } = member;
      authorizer.require(actor, "assign", { type: "assign_org_role", orgId: id }, new OrganizationNotFound());
      const { subject } = requireUser(actor);
      const changed = [...new Set([...roles, ...member.roles])].filter(
        (role) => roles.includes(role) !== member.roles.includes(role) && role !== "organization-member",
      );
      const refused = changed.find((role) => !canAssignRole(subject, role, id));
      if (refused) {
        const detail = `The role "${refused}" does not exist, or you do not have permission to assign it.`;
        throw new FleetError("permission_denied", detail, { validations: [{ field: "roles", detail }] });
      }
      return store.setRoles(
        id,
        userId,
        [...new Set(roles)].filter((role) => role !== "organization-member"),
      );
    },

    async members(actor, organization) {
      const { id } = await require(actor, "read", organization);
      const rows = await store.members(id);
      return authorizer.filter(actor, "read", "organization_member", rows, asMember(id));
    },

    async ownersOfNewWorkspaces(actor, organization) {
      const { id } = await require(actor, "read", organization);
      const rows = await store.members(id);
      return authorizer.filter(actor, "create", "workspace", rows, asMember(id));
    },

    member: (actor, organization, user) => requireMember(actor, "read", organization, user),
  };
}

/** A member, or what they own in the organization, for the policy. */
function asMember(organizationId: string) {
  return ({ userId }: MemberRow) => ({ orgId: organizationId, ownerId: userId });
}

function checkName(name: string): void {
  const violation = nameViolation(name, "name");
  if (violation) throw new FleetError("invalid_argument", violation.detail, { validations: [violation] });
}
