import { type Clock, FleetError } from "@fleet/base";
import type { ApiKeys } from "../apikeys/service.js";
import type { EffectiveSettings } from "../idpsync/effective.js";
import type { OrganizationStore } from "../organizations/store.js";
import { usernameFrom, withNumber } from "../signin/username.js";
import { UserTaken } from "../users/errors.js";
import type { UserStore } from "../users/store.js";
import { ResourceNotFound, ScimError, VersionMismatch } from "./errors.js";
import type { Values } from "./evaluate.js";
import { applyPatch, type Operation } from "./patch.js";
import { USER } from "./schema.js";
import { toUserResource, type UserData, userDataOf, writableOfUser } from "./user-resource.js";
import type { ScimUserStore, UserRecord } from "./users-store.js";
import { writable } from "./values.js";

/** A user's resource, and the version that it has. */
export type Resource = { resource: Values; version: string };
/** Whether the client's copy, of which it sent the version, is current. */
export type Precondition = (version: string) => boolean;

/** Users as SCIM resources. Call what changes something in a unit of work. */
export type ScimUsers = {
  /** @throws ResourceNotFound. */
  get(id: string): Promise<Resource>;
  /**
   * Creates the user, or takes over the account that already has its email address and that no client has provisioned,
   * or brings back one that a client has deleted.
   * @throws ScimError uniqueness or invalidValue.
   */
  create(body: Values): Promise<Resource>;
  /** @throws ResourceNotFound, VersionMismatch, ScimError. */
  replace(id: string, body: Values, current: Precondition): Promise<Resource>;
  /** @throws ResourceNotFound, VersionMismatch, ScimError. */
  patch(id: string, operations: readonly Operation[], current: Precondition): Promise<Resource>;
  /** Suspends the user, takes it out of its groups and hides it. @throws ResourceNotFound, VersionMismatch. */
  delete(id: string, current: Precondition): Promise<void>;
};

/** User names tried for an account: the derived one, then the same with different numbers. */
const NAME_ATTEMPTS = 8;

export function createScimUsers(options: {
  store: ScimUserStore;
  users: UserStore;
  organizations: OrganizationStore;
  apiKeys: ApiKeys;
  settings: EffectiveSettings;
  clock: Clock;
  /** URL of the SCIM service. */
  base: string;
}): ScimUsers {
  const { store, users, organizations, apiKeys, settings, clock, base } = options;

  function toResource(record: UserRecord): Resource {
    const resource = toUserResource(record, base);
    return { resource, version: (resource.meta as { version: string }).version };
  }

  async function locked(id: string, current: Precondition): Promise<UserRecord> {
    await store.lock();
    const record = await store.findLocked(id);
    if (!record) throw new ResourceNotFound();
    if (!current(toResource(record).version)) throw new VersionMismatch();
    return record;
  }

  /** The other users with this SCIM user name or email address. */
  async function othersLike(data: UserData, id?: string): Promise<UserRecord[]> {
    return (await store.namesakes(data.scimUserName, data.email)).filter((one) => one.id !== id);
  }

  function refuseNamesake(namesake: UserRecord, data: UserData): never {
    const isEmail = namesake.email.toLowerCase() === data.email.toLowerCase();
    const what = isEmail ? `email address ${data.email}` : `user name ${data.scimUserName}`;
    throw new ScimError("uniqueness", `The ${what} is already in use.`, "conflict");
  }

  /** The account to take over, if nobody else has the name or the address. */
  async function takenOver(data: UserData): Promise<UserRecord | undefined> {
    const [first, ...more] = await othersLike(data);
    if (!first) return undefined;
    const isDeleted = first.scimDeletedAt !== null && first.status === "suspended";
    const isFree = isDeleted || (first.scimUserName === null && first.email !== "");
    if (more.length > 0 || !isFree) refuseNamesake(more[0] ?? first, data);
    return first;
  }

  async function insert(data: UserData, active: boolean): Promise<UserRecord> {
    const baseName = usernameFrom(data.scimUserName);
    const organization = (await settings.organizations()).assignDefault
      ? await organizations.find("default")
      : undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        const { id } = await users.insert({
          email: data.email,
          username: attempt === 1 ? baseName : withNumber(baseName),
          name: data.name,
          passwordHash: "",
          status: active ? "dormant" : "suspended",
          loginType: "oidc",
          roles: [],
          organizationIds: organization ? [organization.id] : [],
        });
        return store.update(id, stored(data));
      } catch (error) {
        const isName = error instanceof UserTaken && error.field === "username";
        if (!isName || attempt === NAME_ATTEMPTS) throw error;
      }
    }
  }

  /** Stores what the client wrote, and suspends or reactivates the account. */
  async function write(record: UserRecord, values: Values): Promise<Resource> {
    const data = userDataOf(values);
    const [namesake] = await othersLike(data, record.id);
    if (namesake) refuseNamesake(namesake, data);
    requireMayChangeEmail(record, data);
    const isActive = values.active !== false;
    if (!isActive && record.status !== "suspended") await suspend(record);
    if (isActive && record.status === "suspended") await store.update(record.id, { status: "dormant" });
    const { name } = data;
    const nameChanged = name !== userDataOf(writableOfUser(record)).name;
    return toResource(
      await store.update(record.id, {
        ...stored(data),
        email: data.email,
        ...(nameChanged ? { name } : {}),
      }),
    );
  }

  async function suspend(record: UserRecord): Promise<void> {
    const isOwner = record.roles.includes("owner") && record.status !== "suspended";
    const others = (await users.countOwners()) - (record.status === "active" ? 1 : 0);
    if (isOwner && others < 1) {
      throw new FleetError(
        "permission_denied",
        "The last owner cannot be suspended. Give another user the owner role first.",
      );
    }
    await store.update(record.id, { status: "suspended" });
    await apiKeys.endSessions(record.id);
  }

  return {
    async get(id) {
      const record = await store.find(id);
      if (!record) throw new ResourceNotFound();
      return toResource(record);
    },
    async create(body) {
      const values = writable(USER, body);
      const data = userDataOf(values);
      await store.lock();
      const existing = await takenOver(data);
      if (!existing) return toResource(await insert(data, values.active !== false));
      const record = await store.update(existing.id, { scimDeletedAt: null });
      return write(record, values);
    },
    async replace(id, body, current) {
      const record = await locked(id, current);
      const values = writable(USER, body);
      return write(record, { active: record.status !== "suspended", ...values });
    },
    async patch(id, operations, current) {
      const record = await locked(id, current);
      const values = writableOfUser(record);
      applyPatch(USER, values, operations);
      return write(record, values);
    },
    async delete(id, current) {
      const record = await locked(id, current);
      await suspend(record);
      await store.leaveGroups(id);
      await store.update(id, { scimDeletedAt: clock.now() });
    },
  };
}

const stored = ({ scimUserName, scimExternalId, scimAttributes }: UserData) => ({
  scimUserName,
  scimExternalId,
  scimAttributes: scimAttributes as never,
});

/**
 * An administrator's password is reset by an email to its address, so whoever may change that gets its rights, which are
 * not the client's to give.
 */
function requireMayChangeEmail(record: UserRecord, { email }: UserData): void {
  const isSame = record.email.toLowerCase() === email.toLowerCase();
  if (isSame || record.loginType !== "password" || record.roles.length === 0) return;
  throw new FleetError(
    "permission_denied",
    "The email address of an administrator who signs in with a password cannot be changed by SCIM.",
  );
}
