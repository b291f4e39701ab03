import type { Logger } from "@fleet/base";
import { ORGANIZATION_ROLES, SITE_ROLES } from "@fleet/rbac";
import type { AuditedObject } from "../audit/objects.js";
import type { Audit, AuditedRequest } from "../audit/service.js";
import type { UnitOfWork } from "../database/unit-of-work.js";
import type { OrganizationStore } from "../organizations/store.js";
import type { Claims } from "./claims.js";
import type { EffectiveSettings } from "./effective.js";
import type { SyncedUser, SyncStore } from "./store.js";
import { groupTargets, organizationTargets, roleTargets } from "./targets.js";

export type SyncRequest = {
  userId: string;
  /** The claims of the ID token and of the userinfo endpoint, merged. */
  claims: Claims;
  /** Whether the user was created in this sign-in: it joins the default organization if the settings say so. */
  isNew: boolean;
  /** The request that signs the user in, for the audit log. */
  request: AuditedRequest;
};

/**
 * Makes a user's organizations, groups and roles match the claims of its identity provider, as the settings say.
 * Nothing is changed where no field is set. Unknown targets are ignored: a deleted organization or group, an unknown
 * role. All changes and their audit entries are one transaction, that of the caller if it runs in one; open streams that
 * depend on a lost right end by the triggers of ADR 11.
 */
export type Sync = (request: SyncRequest) => Promise<void>;

const SITE = new Set(Object.keys(SITE_ROLES).filter((role) => role !== "member"));
/** Every member has this role, so it is neither given nor taken. */
const IMPLIED = "organization-member";

export function createSync(options: {
  store: SyncStore;
  organizationStore: OrganizationStore;
  settings: EffectiveSettings;
  audit: Audit;
  unitOfWork: UnitOfWork;
  logger: Logger;
}): Sync {
  const { store, organizationStore, settings, audit, unitOfWork, logger } = options;

  async function syncSiteRoles({ id, roles }: SyncedUser, claims: Claims): Promise<void> {
    const sync = settings.siteRoles;
    if (sync.field === "") return;
    const wanted = roleTargets(sync, claims, SITE);
    report("unknown site roles in the claims", id, wanted.unknown);
    if (!sameSet(roles, wanted.roles)) await store.setSiteRoles(id, wanted.roles);
  }

  async function syncOrganizations(user: SyncedUser, claims: Claims, isNew: boolean): Promise<void> {
    const sync = await settings.organizations();
    if (sync.field === "" && !(isNew && sync.assignDefault)) return;
    const wanted = sync.field === "" ? new Set<string>() : organizationTargets(sync, claims);
    const existing = await store.organizations([...wanted], sync.assignDefault);
    report(
      "organizations in the mapping that do not exist",
      user.id,
      [...wanted].filter((id) => !existing.includes(id)),
    );
    const held = user.memberships.map(({ organizationId }) => organizationId);
    await store.addMemberships(
      user.id,
      existing.filter((id) => !held.includes(id)),
    );
    if (sync.field === "") return;
    for (const id of held) if (!existing.includes(id)) await organizationStore.removeMember(id, user.id);
  }

  async function syncGroups(user: SyncedUser, claims: Claims, request: AuditedRequest): Promise<void> {
    const add: string[] = [];
    const remove: string[] = [];
    for (const { organizationId } of user.memberships) {
      const sync = await settings.groups(organizationId);
      if (sync.field === "") continue;
      const { ids, names } = groupTargets(sync, claims);
      const find = () => store.groups(organizationId, [...ids], [...names]);
      let found = await find();
      const known = new Set(found.map(({ name }) => name));
      const missing = [...names].filter((name) => !known.has(name));
      if (sync.autoCreate && missing.length > 0) {
        const created = await store.createGroups(organizationId, missing);
        for (const { id } of created) await recordGroup(id, user.id, request);
        // Read again, for those that another sign-in has just created.
        found = await find();
      } else report("unknown groups in the claims", user.id, missing);
      const wanted = found.map(({ id }) => id);
      const held = user.groups.filter((group) => group.organizationId === organizationId).map(({ id }) => id);
      add.push(...wanted.filter((id) => !held.includes(id)));
      remove.push(...held.filter((id) => !wanted.includes(id)));
    }
    await store.changeGroups(user.id, { add, remove });
  }

  async function syncOrganizationRoles(user: SyncedUser, claims: Claims): Promise<void> {
    for (const { organizationId, roles } of user.memberships) {
      const sync = await settings.roles(organizationId);
      if (sync.field === "") continue;
      const existing = new Set([
        ...Object.keys(ORGANIZATION_ROLES),
        ...(await store.customRoles(organizationId)),
      ]);
      const wanted = roleTargets(sync, claims, existing);
      report("unknown organization roles in the claims", user.id, wanted.unknown);
      const given = wanted.roles.filter((role) => role !== IMPLIED);
      if (!sameSet(roles, given)) await organizationStore.setRoles(organizationId, user.id, given);
    }
  }

  async function recordGroup(id: string, userId: string, request: AuditedRequest): Promise<void> {
    const after = await audit.after("group", { id }, undefined);
    await audit.record({
      ...request,
      userId,
      action: "create",
      type: "group",
      before: undefined,
      after,
      status: 201,
    });
  }

  function report(message: string, userId: string, values: readonly string[]): void {
    if (values.length > 0) logger.debug(message, { userId, values: values.slice(0, REPORTED) });
  }

  return ({ userId, claims, isNew, request }) =>
    unitOfWork.run(async () => {
      const before = await store.lock(userId);
      await syncSiteRoles(before, claims);
      await syncOrganizations(before, claims, isNew);
      const member = await store.user(userId);
      await syncGroups(member, claims, request);
      await syncOrganizationRoles(member, claims);
      const [from, to] = [rightsOf(before), rightsOf(await store.user(userId))];
      if (JSON.stringify(from.fields) === JSON.stringify(to.fields)) return;
      await audit.record({
        ...request,
        userId,
        action: "write",
        type: "user",
        before: from,
        after: to,
        status: 200,
      });
    });
}

/** How many values one log line names. */
const REPORTED = 20;

/** What a synchronization may change of a user, for the audit log. */
function rightsOf({ id, username, avatarUrl, roles, memberships, groups }: SyncedUser): AuditedObject {
  const names = new Map(memberships.map(({ organizationId, name }) => [organizationId, name]));
  const fields = {
    rbac_roles: [...roles].sort(),
    organizations: [...names.values()].sort(),
    organization_roles: memberships.flatMap((one) => one.roles.map((role) => `${one.name}/${role}`)).sort(),
    groups: groups.map((group) => `${names.get(group.organizationId) ?? ""}/${group.name}`).sort(),
  };
  return { id, target: username, icon: avatarUrl, fields };
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return new Set(a).size === new Set(b).size && a.every((one) => b.includes(one));
}
