import { type Clock, FleetError, isFleetError } from "@fleet/base";
import type { ApiKeys } from "../apikeys/service.js";
import type { UserActor } from "../auth/actor.js";
import type { CryptoKeys } from "../cryptokeys/service.js";

/**
 * The app slug in signed tokens for web terminals. No app can have this slug, so an app's token cannot open a shell.
 */
export const TERMINAL_APP = "@terminal";

/**
 * Web terminals on workspace proxies, whose origin has no session cookie: a signed token, valid for a minute, is used
 * instead.
 */
export type Terminals = {
  /** A token that lets the actor open a terminal on this agent. The caller has already authorized it. */
  sign(actor: UserActor, agent: { agentId: string; workspaceId: string }): Promise<string>;
  /** The actor of a token that is valid for a terminal on this agent. Throws `not_found` for any other token. */
  admit(token: string, agentId: string): Promise<UserActor>;
};

export function createTerminals(options: {
  cryptoKeys: CryptoKeys;
  apiKeys: ApiKeys;
  clock: Clock;
}): Terminals {
  return {
    sign({ userId, apiKeyId, expiresAt }, agent) {
      const { agentId, workspaceId } = agent;
      const session = { userId, keyId: apiKeyId, endsAtMs: expiresAt.getTime() };
      const decidedAtMs = options.clock.now().getTime();
      return options.cryptoKeys.signAppToken({
        session,
        workspaceId,
        agentId,
        app: TERMINAL_APP,
        decidedAtMs,
      });
    },

    async admit(token, agentId) {
      const claims = await options.cryptoKeys.verifyAppToken(token).catch(refuse);
      if (!claims.session || claims.app !== TERMINAL_APP || claims.agentId !== agentId) return refuse();
      return options.apiKeys.actorOfKey(claims.session.keyId).catch(refuse);
    },
  };
}

function refuse(error?: unknown): never {
  if (error !== undefined && !isFleetError(error, "unauthenticated")) throw error;
  throw new FleetError("not_found", "This terminal link has expired. Open the terminal again.");
}
