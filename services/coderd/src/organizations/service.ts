import { FleetError } from "@fleet/base";
import type { Action } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer } from "../auth/authorizer.js";
import type { OrganizationRow, OrganizationStore } from "./store.js";

export type Organizations = ReturnType<typeof createOrganizations>;

export class OrganizationNotFound extends FleetError {
  constructor() {
    super("not_found", "There is no such organization, or you may not see it.");
  }
}

export function createOrganizations(options: { store: OrganizationStore }) {
  const { store } = options;

  /** The organization by id, name or `default`, when the actor may do this to it. */
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

  return {
    require,

    async list(actor: Actor): Promise<OrganizationRow[]> {
      const rows = await store.list();
      return rows.filter((row) =>
        authorizer.can(actor, "read", { type: "organization", id: row.id, orgId: row.id }),
      );
    },

    async members(actor: Actor, organization: string) {
      const { id } = await require(actor, "read", organization);
      const rows = await store.members(id);
      return rows.filter((row) =>
        authorizer.can(actor, "read", { type: "organization_member", orgId: id, ownerId: row.userId }),
      );
    },

    async member(actor: Actor, organization: string, userId: string) {
      const { id } = await require(actor, "read", organization);
      const row = await store.member(id, userId);
      const missing = new FleetError(
        "not_found",
        "This user is no member of the organization, or you may not see it.",
      );
      if (!row) throw missing;
      authorizer.require(actor, "read", { type: "organization_member", orgId: id, ownerId: userId }, missing);
      return row;
    },
  };
}
