import { isUuid } from "@fleet/base";
import type { Database } from "../database/client.js";
import type { SshSignIn } from "../database/gen/client.js";

/** A sign-in that its user has allowed. */
export type AllowedSignIn = { keyId: string; userId: string; username: string };

export type SshSignInStore = {
  /** Inserts a sign-in and drops those that have expired; undefined if `limit` others wait. */
  insert(
    signIn: Pick<SshSignIn, "code" | "username" | "address" | "client" | "createdAt" | "expiresAt">,
    limit: number,
  ): Promise<SshSignIn | undefined>;
  /** The sign-in of the link, while it waits. */
  findWaiting(code: string, now: Date): Promise<SshSignIn | undefined>;
  /** Allows the sign-in with this session; false if it does not wait any more. */
  allow(code: string, keyId: string, now: Date): Promise<boolean>;
  deny(code: string): Promise<void>;
  /** Removes and returns the sign-in if it was allowed. */
  claim(id: string, now: Date): Promise<AllowedSignIn | undefined>;
  /** Whether the sign-in still waits for its user. */
  isWaiting(id: string, now: Date): Promise<boolean>;
};

export function createSshSignInStore(db: Database): SshSignInStore {
  return {
    async insert(signIn, limit) {
      await db.sshSignIn.deleteMany({ where: { expiresAt: { lte: signIn.createdAt } } });
      if ((await db.sshSignIn.count()) >= limit) return undefined;
      return db.sshSignIn.create({ data: signIn });
    },

    findWaiting: async (code, now) =>
      (await db.sshSignIn.findFirst({ where: { code, keyId: null, expiresAt: { gt: now } } })) ?? undefined,

    async allow(code, keyId, now) {
      const where = { code, keyId: null, expiresAt: { gt: now } };
      return (await db.sshSignIn.updateMany({ where, data: { keyId } })).count > 0;
    },

    async deny(code) {
      await db.sshSignIn.deleteMany({ where: { code, keyId: null } });
    },

    async claim(id, now) {
      if (!isUuid(id)) return undefined;
      const [row] = await db.$queryRaw<AllowedSignIn[]>`
        DELETE FROM ssh_sign_ins s USING api_keys k JOIN users u ON u.id = k.user_id
        WHERE s.id = ${id}::uuid AND k.id = s.key_id AND s.expires_at > ${now}
        RETURNING s.key_id AS "keyId", u.id AS "userId", u.username`;
      return row;
    },

    // Also one that was allowed a moment ago: the next claim gets it.
    isWaiting: async (id, now) =>
      isUuid(id) && (await db.sshSignIn.count({ where: { id, expiresAt: { gt: now } } })) > 0,
  };
}
