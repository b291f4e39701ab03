import { type Clock, isUuid } from "@fleet/base";
import type { GroupStore } from "../groups/store.js";
import type { OrganizationStore } from "../organizations/store.js";
import { ResourceNotFound, ScimError, VersionMismatch } from "./errors.js";
import type { Values } from "./evaluate.js";
import {
  displayNameOf,
  groupNameFrom,
  requireDisplayName,
  toGroupResource,
  writableOfGroup,
} from "./group-resource.js";
import type { GroupRecord, ScimGroupStore } from "./groups-store.js";
import { applyPatch, type Members, type Operation } from "./patch.js";
import { GROUP } from "./schema.js";
import type { Precondition, Resource } from "./users.js";
import type { ScimUserStore } from "./users-store.js";
import { writable } from "./values.js";

/** Groups of the default organization as SCIM resources. Call what changes something in a unit of work. */
export type ScimGroups = {
  /** Without members unless asked for. @throws ResourceNotFound. */
  get(id: string, withMembers: boolean): Promise<Resource>;
  /** @throws ScimError uniqueness or invalidValue. */
  create(body: Values): Promise<Resource>;
  /** @throws ResourceNotFound, VersionMismatch, ScimError. */
  replace(id: string, body: Values, current: Precondition): Promise<Resource>;
  /** @throws ResourceNotFound, VersionMismatch, ScimError. */
  patch(id: string, operations: readonly Operation[], current: Precondition): Promise<Resource>;
  /** @throws ResourceNotFound, VersionMismatch. */
  delete(id: string, current: Precondition): Promise<void>;
};

export function createScimGroups(options: {
  store: ScimGroupStore;
  userStore: ScimUserStore;
  groups: GroupStore;
  organizations: OrganizationStore;
  clock: Clock;
  /** URL of the SCIM service. */
  base: string;
}): ScimGroups {
  const { store, userStore, groups, organizations, clock, base } = options;

  async function toResource(record: GroupRecord, withMembers: boolean): Promise<Resource> {
    const members = withMembers ? ((await store.members([record.id])).get(record.id) ?? []) : undefined;
    const resource = toGroupResource(record, base, members, await store.membersDigest(record.id));
    return { resource, version: (resource.meta as { version: string }).version };
  }

  async function locked(id: string, current: Precondition): Promise<GroupRecord> {
    await userStore.lock();
    const record = await store.findLocked(id);
    if (!record) throw new ResourceNotFound();
    if (!current((await toResource(record, false)).version)) throw new VersionMismatch();
    return record;
  }

  /** The name for the group in the API. @throws ScimError uniqueness if another group has this display name. */
  async function nameFor(displayName: string, id?: string): Promise<string> {
    const others = (await store.names()).filter((group) => group.id !== id);
    const wanted = displayName.toLowerCase();
    if (others.some((group) => displayNameOf(group).toLowerCase() === wanted) || wanted === "everyone")
      throw new ScimError("uniqueness", `There is already a group "${displayName}".`, "conflict");
    return groupNameFrom(displayName, new Set(others.map(({ name }) => name.toLowerCase())));
  }

  async function write(record: GroupRecord, values: Values, change: MemberChange): Promise<Resource> {
    const displayName = requireDisplayName(values);
    if (displayName !== displayNameOf(record)) await nameFor(displayName, record.id);
    const add = change.added();
    await requireCandidates(record.organizationId, add);
    await store.changeMembers(record.id, { add, remove: change.removed() });
    const updated = await store.update(record.id, {
      displayName,
      scimExternalId: (values.externalId as string | undefined) ?? null,
      updatedAt: clock.now(),
    });
    return toResource(updated, true);
  }

  /** @throws ScimError invalidValue unless all are members of the organization. */
  async function requireCandidates(organizationId: string, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const wrong = ids.find((id) => !isUuid(id));
    const known = wrong === undefined ? await store.candidates(organizationId, ids) : new Set();
    const missing = wrong ?? ids.find((id) => !known.has(id));
    if (missing === undefined) return;
    throw new ScimError(
      "invalidValue",
      `"${missing.slice(0, 64)}" is not the id of a user in the default organization.`,
    );
  }

  return {
    async get(id, withMembers) {
      const record = await store.find(id);
      if (!record) throw new ResourceNotFound();
      return toResource(record, withMembers);
    },
    async create(body) {
      const values = writable(GROUP, body);
      const displayName = requireDisplayName(values);
      await userStore.lock();
      const organization = (await organizations.find("default"))!;
      const record = await store.insert({
        organizationId: organization.id,
        name: await nameFor(displayName),
        displayName,
        scimExternalId: (values.externalId as string | undefined) ?? null,
      });
      const change = memberChange([]);
      change.members.replace((values.members as Values[] | undefined) ?? []);
      return write(record, values, change);
    },
    async replace(id, body, current) {
      const record = await locked(id, current);
      const values = writable(GROUP, body);
      const change = memberChange(await idsOf(id));
      change.members.replace((values.members as Values[] | undefined) ?? []);
      return write(record, values, change);
    },
    async patch(id, operations, current) {
      const record = await locked(id, current);
      const values = writableOfGroup(record);
      const change = memberChange(await idsOf(id));
      applyPatch(GROUP, values, operations, change.members);
      return write(record, values, change);
    },
    async delete(id, current) {
      await groups.delete(await locked(id, current));
    },
  };

  async function idsOf(groupId: string): Promise<string[]> {
    return (await store.members([groupId])).get(groupId) ?? [];
  }
}

/** Collects what operations do to a group's members. */
type MemberChange = { members: Members; added(): string[]; removed(): string[] };

function memberChange(held: readonly string[]): MemberChange {
  const before = new Set(held);
  const after = new Set(held);
  const add = (values: readonly Values[]) => {
    for (const value of values) after.add(memberId(value));
  };
  return {
    members: {
      add,
      replace(values) {
        after.clear();
        add(values);
      },
      remove(which) {
        if (which === "all") return after.clear();
        if ("values" in which) for (const value of which.values) after.delete(memberId(value));
        else if (which.id !== undefined) after.delete(which.id);
        else for (const id of after) if (which.matching({ value: id, type: "User" })) after.delete(id);
      },
    },
    added: () => [...after].filter((id) => !before.has(id)),
    removed: () => [...before].filter((id) => !after.has(id)),
  };
}

/** A member is named by its id, in any case. @throws ScimError invalidValue. */
function memberId({ value }: Values): string {
  if (typeof value !== "string" || value === "")
    throw new ScimError("invalidValue", 'A member needs a "value".');
  return value.toLowerCase();
}
