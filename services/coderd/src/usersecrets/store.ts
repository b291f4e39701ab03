import { type Database, inTransaction, isUniqueViolation, type Transaction } from "../database/client.js";
import type { UserSecret } from "../database/gen/client.js";
import type { Dbcrypt } from "../dbcrypt/dbcrypt.js";
import { SecretTaken } from "./errors.js";
import type { SecretFields } from "./rules.js";

const PLACE = "user_secrets.value";

/** A secret without its value. */
export type SecretRow = Omit<UserSecret, "value" | "valueBytes">;

/** What counts towards the limits, of all secrets of a user but one. */
export type SecretUsage = { count: number; bytes: number; envBytes: number };

export type SecretStore = {
  list(userId: string): Promise<SecretRow[]>;
  find(userId: string, name: string): Promise<SecretRow | undefined>;
  /** What workspaces receive: the enabled secrets with their values. */
  values(userId: string): Promise<{ envName: string; filePath: string; value: string }[]>;
  /**
   * Inserts the secret, or changes the one with this id. `check` gets the usage of the user's other secrets, which
   * nobody changes meanwhile. @throws SecretTaken; what `check` throws.
   */
  write(
    userId: string,
    secret: SecretFields & { id?: string | undefined; value?: string | undefined },
    check: (others: SecretUsage, valueBytes: number) => void,
  ): Promise<SecretRow>;
  /** False if there is none. */
  delete(userId: string, name: string): Promise<boolean>;
};

const ROW = {
  id: true,
  userId: true,
  name: true,
  description: true,
  envName: true,
  filePath: true,
  enabled: true,
  createdAt: true,
  updatedAt: true,
} as const;

export function createSecretStore(db: Database, crypt: Dbcrypt): SecretStore {
  function sealed(value: string) {
    const bytes = Buffer.from(value);
    return { value: crypt.seal(bytes, PLACE), valueBytes: bytes.length };
  }

  async function usage(tx: Transaction, userId: string, except: string | undefined) {
    const others = await tx.userSecret.findMany({
      where: { userId, ...(except !== undefined && { id: { not: except } }) },
      select: { envName: true, valueBytes: true },
    });
    const inEnvironment = others.filter(({ envName }) => envName !== "");
    const sum = (numbers: number[]) => numbers.reduce((total, one) => total + one, 0);
    return {
      count: others.length,
      bytes: sum(others.map(({ valueBytes }) => valueBytes)),
      envBytes: sum(inEnvironment.map(({ envName, valueBytes }) => envName.length + valueBytes)),
    };
  }

  return {
    list: (userId) => db.userSecret.findMany({ where: { userId }, select: ROW, orderBy: { name: "asc" } }),

    async find(userId, name) {
      const row = await db.userSecret.findUnique({ where: { userId_name: { userId, name } }, select: ROW });
      return row ?? undefined;
    },

    async values(userId) {
      const rows = await db.userSecret.findMany({
        where: { userId, enabled: true },
        select: { envName: true, filePath: true, value: true },
        orderBy: { name: "asc" },
      });
      return rows.map(({ value, ...row }) => ({
        ...row,
        value: Buffer.from(crypt.open(value, PLACE)).toString("utf8"),
      }));
    },

    async write(userId, { id, value, ...fields }, check) {
      try {
        return await inTransaction(db, async (tx) => {
          await tx.$queryRaw`SELECT 1 FROM users WHERE id = ${userId}::uuid FOR UPDATE`;
          const before = id ? await tx.userSecret.findUnique({ where: { id } }) : null;
          const valueBytes = value === undefined ? (before?.valueBytes ?? 0) : Buffer.byteLength(value);
          check(await usage(tx, userId, id), valueBytes);
          const columns = { ...fields, ...(value !== undefined && sealed(value)) };
          return id
            ? await tx.userSecret.update({ where: { id }, data: columns, select: ROW })
            : await tx.userSecret.create({
                data: { userId, ...fields, ...sealed(value ?? "") },
                select: ROW,
              });
        });
      } catch (error) {
        if (isUniqueViolation(error, "env_name")) throw new SecretTaken("env_name", fields.envName);
        if (isUniqueViolation(error, "file_path")) throw new SecretTaken("file_path", fields.filePath);
        if (isUniqueViolation(error)) throw new SecretTaken("name", fields.name);
        throw error;
      }
    },

    async delete(userId, name) {
      return (await db.userSecret.deleteMany({ where: { userId, name } })).count > 0;
    },
  };
}
