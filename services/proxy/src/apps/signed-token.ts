import { type AppTokenVerifier, createAppTokenVerifier, type JWK } from "@fleet/app-url";
import { type Clock, isFleetError } from "@fleet/base";
import { AccessMethod, GrantKind } from "@fleet/proto-gen/proxy";
import type { SettingsStore } from "../session/settings.js";
import type { SignedGrant } from "./gatekeeper.js";

/** Verifies signed app tokens with the public keys that coderd last announced; undefined for an invalid token. */
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
      const { session, workspaceId, agentId, app, decidedAtMs } = await verify(token);
      const grant = {
        kind: GrantKind.APP,
        keyId: session?.keyId ?? "",
        userId: session?.userId ?? "",
        workspaceId,
        agentId,
        accessMethod: AccessMethod.SUBDOMAIN,
        appSlugOrPort: app,
        sshKeyId: "",
        expiresAtMs: BigInt(session?.endsAtMs ?? 0),
      };
      return { grant, issuedAtMs: decidedAtMs, expiresAtMs: expiryOf(token) };
    } catch (error) {
      if (isFleetError(error, "unauthenticated")) return undefined;
      throw error;
    }
  };
}

/** When a verified token expires, in milliseconds since the epoch. */
function expiryOf(token: string): number {
  const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
  return (JSON.parse(payload) as { exp: number }).exp * 1000;
}
