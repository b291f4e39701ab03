import type { Clock } from "@fleet/base";

/** Longer than a signed app token can live: what was revoked before that is past anyway. Milliseconds. */
const KEEP_MS = 5 * 60_000;

/** Which decisions count no more, though their time is not up. */
export type Revocations = {
  revoke(revoked: { userId: string; workspaceId: string }): void;
  /** True when a decision of that time about this user and workspace was revoked since. Times are ms since the epoch. */
  isRevoked(grant: { userId: string; workspaceId: string }, issuedAtMs: number): boolean;
};

export function createRevocations(clock: Clock): Revocations {
  const revoked = new Map<string, number>();

  function prune(nowMs: number): void {
    for (const [key, atMs] of revoked) {
      if (atMs > nowMs - KEEP_MS) return; // in order of time
      revoked.delete(key);
    }
  }

  return {
    revoke({ userId, workspaceId }) {
      const nowMs = clock.now().getTime();
      prune(nowMs);
      for (const key of [userId && `user ${userId}`, workspaceId && `workspace ${workspaceId}`]) {
        if (!key) continue;
        revoked.delete(key);
        revoked.set(key, nowMs);
      }
    },
    isRevoked({ userId, workspaceId }, issuedAtMs) {
      if (revoked.size === 0) return false;
      const atMs = Math.max(revoked.get(`user ${userId}`) ?? 0, revoked.get(`workspace ${workspaceId}`) ?? 0);
      return issuedAtMs <= atMs;
    },
  };
}
