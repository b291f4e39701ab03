import { FleetError, isFleetError } from "@fleet/base";
import type { CryptoKeys } from "../cryptokeys/service.js";
import type { UserStore } from "../users/store.js";

/** What a signed token names for a web terminal: no app can have this slug, so that no app's token opens a shell. */
export const TERMINAL_APP = "@terminal";

export type Terminals = ReturnType<typeof createTerminals>;

/** Terminals on workspace proxies, whose origin has no session: a signed token that is good for a minute stands in. */
export function createTerminals(options: { cryptoKeys: CryptoKeys; users: UserStore }) {
  return {
    /** The user whom the token lets open a terminal on this agent. Throws `not_found` for any other token. */
    async admit(token: string, agentId: string) {
      const claims = await options.cryptoKeys.verifyAppToken(token).catch((error) => {
        if (isFleetError(error, "unauthenticated")) return undefined;
        throw error;
      });
      const fits = claims?.app === TERMINAL_APP && claims.agentId === agentId;
      const user = fits && claims.userId ? await options.users.find(claims.userId) : null;
      if (!claims || !user || user.status === "suspended") {
        throw new FleetError("not_found", "This link to the terminal has expired. Open the terminal again.");
      }
      return { agentId, workspaceId: claims.workspaceId, userId: user.id, username: user.username };
    },
  };
}
