import type { Actor } from "../auth/actor.js";
import type { Users } from "../users/service.js";
import { SecretNotFound } from "./errors.js";
import { checkSecret, checkValue, refuse, SECRET_LIMITS, type SecretFields } from "./rules.js";
import type { SecretRow, SecretStore, SecretUsage } from "./store.js";

export type NewSecret = Pick<SecretFields, "name"> & Partial<SecretFields> & { value: string };
export type SecretChange = Partial<Omit<SecretFields, "name"> & { value: string }>;

/** What users store for their workspaces. Values leave coderd only towards builds and agents of the user's workspaces. */
export type UserSecrets = {
  list(actor: Actor, user: string): Promise<SecretRow[]>;
  /** @throws SecretNotFound. */
  get(actor: Actor, user: string, name: string): Promise<SecretRow>;
  /** @throws invalid_argument for what breaks a rule or a limit; SecretTaken. */
  create(actor: Actor, user: string, secret: NewSecret): Promise<SecretRow>;
  /** Changes the fields that are present. @throws like `create`; SecretNotFound. */
  update(actor: Actor, user: string, name: string, change: SecretChange): Promise<SecretRow>;
  /** @throws SecretNotFound. */
  delete(actor: Actor, user: string, name: string): Promise<void>;
  /** The enabled secrets with their values, without an access check: for the user's own workspaces only. */
  valuesOf(userId: string): Promise<{ envName: string; filePath: string; value: string }[]>;
};

export function createUserSecrets({
  store,
  users,
}: {
  store: SecretStore;
  users: Pick<Users, "require" | "requireManaged">;
}): UserSecrets {
  async function find(userId: string, name: string): Promise<SecretRow> {
    const row = await store.find(userId, name);
    if (!row) throw new SecretNotFound(name);
    return row;
  }

  const reading = async (actor: Actor, user: string) =>
    (await users.require(actor, "read_personal", user)).id;
  const writing = async (actor: Actor, user: string) =>
    (await users.requireManaged(actor, "update_personal", user)).id;

  return {
    list: async (actor, user) => store.list(await reading(actor, user)),
    get: async (actor, user, name) => find(await reading(actor, user), name),

    async create(actor, user, { value, ...given }) {
      const userId = await writing(actor, user);
      const fields = { description: "", envName: "", filePath: "", enabled: true, ...defined(given) };
      checkSecret(fields);
      checkValue(value);
      return store.write(userId, { ...fields, value }, limits(fields.envName));
    },

    async update(actor, user, name, { value, ...change }) {
      const userId = await writing(actor, user);
      const { id, description, envName, filePath, enabled } = await find(userId, name);
      const fields = { name, description, envName, filePath, enabled, ...defined(change) };
      checkSecret(fields);
      if (value !== undefined) checkValue(value);
      return store.write(userId, { id, ...fields, value }, limits(fields.envName));
    },

    async delete(actor, user, name) {
      if (!(await store.delete(await writing(actor, user), name))) throw new SecretNotFound(name);
    },

    valuesOf: store.values,
  };
}

/** Checks what the user's secrets amount to with this one. */
function limits(envName: string): (others: SecretUsage, valueBytes: number) => void {
  return ({ count, bytes, envBytes }, valueBytes) => {
    const { count: most, totalBytes, envBytes: mostEnv } = SECRET_LIMITS;
    if (count >= most) refuse("name", `At most ${most} secrets are possible. Delete one first.`);
    if (bytes + valueBytes > totalBytes) {
      refuse("value", `All secrets together may have at most ${totalBytes / 1024} KiB.`);
    }
    if (envName !== "" && envBytes + envName.length + valueBytes > mostEnv) {
      refuse("value", `Secrets in environment variables may have at most ${mostEnv / 1024} KiB together.`);
    }
  };
}

function defined<T extends object>(fields: T): { [K in keyof T]: NonNullable<T[K]> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: NonNullable<T[K]> };
}
