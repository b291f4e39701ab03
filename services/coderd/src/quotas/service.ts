import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import type { Groups } from "../groups/service.js";
import type { Organizations } from "../organizations/service.js";
import type { Users } from "../users/service.js";
import type { GroupQuota, Quota, QuotaStore, UserQuota } from "./store.js";

/** How much of their quotas users and groups use. */
export type Quotas = {
  /** @throws not_found unless the actor may read the user and the organization. */
  of(actor: Actor, organization: string, user: string): Promise<Quota>;
  /** One page of the users whose membership the actor may read, and the groups that it may read. */
  list(
    actor: Actor,
    organization: string,
    page: { limit?: number | undefined; offset?: number | undefined },
  ): Promise<{ users: UserQuota[]; groups: GroupQuota[]; count: number }>;
};

const PAGE = 100;

export function createQuotas(options: {
  store: Pick<QuotaStore, "of" | "users" | "groups">;
  organizations: Organizations;
  users: Users;
  groups: Groups;
}): Quotas {
  const { store, organizations, users, groups } = options;
  return {
    async of(actor, organization, member) {
      const [{ id }, user] = await Promise.all([
        organizations.require(actor, "read", organization),
        users.require(actor, "read", member),
      ]);
      return store.of({ ownerId: user.id, organizationId: id });
    },

    async list(actor, organization, { limit, offset = 0 }) {
      const { id } = await organizations.require(actor, "read", organization);
      const reach = authorizer.reach(requireUser(actor), "read", "organization_member");
      const page = { limit: Math.min(limit || PAGE, PAGE), offset };
      const visible = await groups.list(actor, { organization: id });
      const [{ rows, count }, used] = await Promise.all([
        store.users(id, reach, page),
        store.groups(visible.map((group) => group.id)),
      ]);
      return { users: rows, groups: used, count };
    },
  };
}
