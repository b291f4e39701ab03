import { FleetError } from "@fleet/base";
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import { IdentityRefused, type MachineIdentity } from "./documents.js";

/** The audience that agents ask a token for, the same as upstream's. */
export const GOOGLE_AUDIENCE = "coder";
const ISSUERS = ["https://accounts.google.com", "accounts.google.com"];
/** How long to wait for Google's keys, in milliseconds. */
const KEYS_TIMEOUT_MS = 5_000;

/**
 * Verifies the identity token of a Compute Engine instance.
 * https://cloud.google.com/compute/docs/instances/verifying-instance-identity
 *
 * @param keysUrl Google's keys, which are fetched when needed and cached.
 */
export function createGoogleVerifier(keysUrl: string): (token: string) => Promise<MachineIdentity> {
  const keys = createRemoteJWKSet(new URL(keysUrl), { timeoutDuration: KEYS_TIMEOUT_MS });
  return async (token) => {
    const { payload } = await jwtVerify(token, keys, {
      audience: GOOGLE_AUDIENCE,
      issuer: ISSUERS,
      algorithms: ["RS256"],
      requiredClaims: ["exp"],
    }).catch(refuse);
    return { instanceId: instanceIn(payload) };
  };
}

function refuse(cause: unknown): never {
  const isFetch = cause instanceof errors.JWKSTimeout || !(cause instanceof errors.JOSEError);
  // jose has one class for a response that is not a key set.
  if (isFetch || cause.code === "ERR_JOSE_GENERIC") {
    throw new FleetError("unavailable", "Google's public keys could not be fetched.", { cause });
  }
  throw new IdentityRefused("the token is not signed by Google, or has expired.", cause);
}

function instanceIn(payload: JWTPayload): string {
  const { compute_engine: engine } = (payload.google ?? {}) as { compute_engine?: { instance_id?: unknown } };
  const id = engine?.instance_id;
  if (typeof id !== "string" || id === "") {
    throw new IdentityRefused("the token names no instance. Request it with format=full.");
  }
  return id;
}
