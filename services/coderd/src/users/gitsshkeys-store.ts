import type { Database } from "../database/client.js";

/** A user's key pair as stored: the private key is encrypted. */
export type StoredSshKey = { publicKey: string; privateKey: string };
export type SshKeyRow = StoredSshKey & { createdAt: Date; updatedAt: Date };

export type GitSshKeyStore = {
  find(userId: string): Promise<SshKeyRow | undefined>;
  /** Stores a user's first key pair. If a concurrent call stored one first, that pair is kept. */
  insertFirst(userId: string, key: StoredSshKey): Promise<void>;
  replace(userId: string, key: StoredSshKey): Promise<SshKeyRow>;
};

export function createGitSshKeyStore(db: Database): GitSshKeyStore {
  return {
    find: async (userId) => (await db.gitSshKey.findUnique({ where: { userId } })) ?? undefined,
    async insertFirst(userId, key) {
      await db.gitSshKey.createMany({ data: [{ userId, ...key }], skipDuplicates: true });
    },
    replace: (userId, key) =>
      db.gitSshKey.upsert({ where: { userId }, create: { userId, ...key }, update: key }),
  };
}
