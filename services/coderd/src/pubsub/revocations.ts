import type { Pubsub } from "./pubsub.js";

/** On it proxies hear which decisions about apps count no more. Without it they end by themselves, within a minute. */
export const APPS_REVOKED_CHANNEL = "apps:revoked";

export type AppRevocations = ReturnType<typeof createAppRevocations>;

export function createAppRevocations(pubsub: Pubsub) {
  return {
    /** The user may have lost what it could open. */
    ofUser: (userId: string) => pubsub.publish(APPS_REVOKED_CHANNEL, { userId }),
    /** The workspace may be shared with fewer. */
    ofWorkspace: (workspaceId: string) => pubsub.publish(APPS_REVOKED_CHANNEL, { workspaceId }),
  };
}
