import type { Database } from "../database/client.js";

/** Storage of one-time passcodes. */
export type PasswordResetStore = {
  /**
   * Stores the user's only passcode. False if the user got one after `recent`.
   */
  issue(
    userId: string,
    codeHash: Uint8Array,
    times: { now: Date; recent: Date; expiresAt: Date },
  ): Promise<boolean>;
  /** Takes the user's passcode if it is this one and valid: nobody else can use it. */
  take(userId: string, codeHash: Uint8Array, now: Date): Promise<boolean>;
};

export function createPasswordResetStore(db: Database): PasswordResetStore {
  return {
    async issue(userId, codeHash, { now, recent, expiresAt }) {
      // A time in the future was written by a clock that was wrong.
      const count = await db.$executeRaw`
        INSERT INTO password_resets (user_id, code_hash, created_at, expires_at)
        VALUES (${userId}::uuid, ${codeHash}, ${now}, ${expiresAt})
        ON CONFLICT (user_id) DO UPDATE SET code_hash = EXCLUDED.code_hash, created_at = EXCLUDED.created_at,
          expires_at = EXCLUDED.expires_at
        WHERE password_resets.created_at <= ${recent} OR password_resets.created_at > ${now}`;
      return count > 0;
    },

    async take(userId, codeHash, now) {
      const { count } = await db.passwordReset.deleteMany({
        where: { userId, codeHash: new Uint8Array(codeHash), expiresAt: { gt: now } },
      });
      return count > 0;
    },
  };
}
