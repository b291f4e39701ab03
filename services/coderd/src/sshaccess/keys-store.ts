import { isUuid } from "@fleet/base";
import { type Database, inTransaction, isUniqueViolation } from "../database/client.js";
import type { UserSshKey } from "../database/gen/client.js";
import { SshKeyTaken } from "./errors.js";

export type SshKeyRow = UserSshKey;

/** A registered key with what authentication needs. */
export type RegisteredKey = { id: string; userId: string; username: string; lastUsedAt: Date | null };

export type SshKeyStore = {
  list(userId: string): Promise<SshKeyRow[]>;
  /** `check` gets the number of the user's keys, which nobody changes meanwhile. @throws SshKeyTaken; what `check` throws. */
  insert(
    key: Pick<SshKeyRow, "userId" | "name" | "publicKey" | "fingerprint">,
    check: (count: number) => void,
  ): Promise<SshKeyRow>;
  /** False if the user has no such key. */
  delete(userId: string, id: string): Promise<boolean>;
  findByFingerprint(fingerprint: string): Promise<RegisteredKey | undefined>;
  /** Whether the user still has the key. */
  exists(id: string, userId: string): Promise<boolean>;
  /** Records a use of the key, which is one of the user's account, too. */
  touch(key: Pick<RegisteredKey, "id" | "userId">, now: Date): Promise<void>;
};

export function createSshKeyStore(db: Database): SshKeyStore {
  return {
    list: (userId) =>
      db.userSshKey.findMany({ where: { userId }, orderBy: [{ createdAt: "asc" }, { id: "asc" }] }),

    async insert(key, check) {
      try {
        return await inTransaction(db, async (tx) => {
          await tx.$queryRaw`SELECT 1 FROM users WHERE id = ${key.userId}::uuid FOR UPDATE`;
          check(await tx.userSshKey.count({ where: { userId: key.userId } }));
          return tx.userSshKey.create({ data: key });
        });
      } catch (error) {
        if (isUniqueViolation(error, "fingerprint")) {
          throw new SshKeyTaken(
            "public_key",
            "This key is already registered. Each key belongs to one user.",
          );
        }
        if (isUniqueViolation(error)) {
          throw new SshKeyTaken(
            "name",
            `A key named "${key.name}" is already registered. Choose another name.`,
          );
        }
        throw error;
      }
    },

    async delete(userId, id) {
      if (!isUuid(id)) return false;
      return (await db.userSshKey.deleteMany({ where: { userId, id } })).count > 0;
    },

    async findByFingerprint(fingerprint) {
      const row = await db.userSshKey.findUnique({
        where: { fingerprint },
        select: { id: true, userId: true, lastUsedAt: true, user: { select: { username: true } } },
      });
      if (!row) return undefined;
      const { user, ...key } = row;
      return { ...key, username: user.username };
    },

    exists: async (id, userId) => isUuid(id) && (await db.userSshKey.count({ where: { id, userId } })) > 0,

    async touch({ id, userId }, now) {
      await db.$executeRaw`
        WITH key AS (UPDATE user_ssh_keys SET last_used_at = ${now} WHERE id = ${id}::uuid)
        UPDATE users SET last_seen_at = ${now}, status = CASE WHEN status = 'dormant' THEN 'active' ELSE status END
        WHERE id = ${userId}::uuid`;
    },
  };
}
