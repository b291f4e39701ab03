import { type AppTokenVerifier, createAppTokenVerifier, type JWK } from "@fleet/app-url";
import { type Clock, isFleetError } from "@fleet/base";
import type { SettingsStore } from "../session/settings.js";
import type { SignedGrant } from "./gatekeeper.js";

/** Verifies signed app tokens by the public keys that coderd announced last; undefined for one that is not good. */
export function createTokenVerifier(
  settings: SettingsStore,
  clock: Clock,
): (token: string) => Promise<SignedGrant | undefined> {
  let jwks: string | undefined;
  let verify: AppTokenVerifier | undefined;

  return async (token) => {
    const current = settings.required().appTokenJwks;
    if (current !== jwks || !verify) {
      const { keys } = JSON.parse(current || '{"keys":[]}') as { keys: JWK[] };
      verify = createAppTokenVerifier(keys, clock);
      jwks = current;
    }
    try {
      const { userId = "", workspaceId, agentId, app } = await verify(token);
      return { userId, workspaceId, agentId, slugOrPort: app, ...timesOf(token) };
    } catch (error) {
      if (isFleetError(error, "unauthenticated")) return undefined;
      throw error;
    }
  };
}

/** The times in a token that has been verified. */
function timesOf(token: string): { issuedAtMs: number; expiresAtMs: number } {
  const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
  const { iat, exp } = JSON.parse(payload) as { iat: number; exp: number };
  return { issuedAtMs: iat * 1000, expiresAtMs: exp * 1000 };
}
