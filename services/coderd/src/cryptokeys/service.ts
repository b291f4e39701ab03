import { createHmac, randomBytes } from "node:crypto";
import {
  type AppClaims,
  createAppTokenVerifier,
  generateAppKey,
  type JWK,
  signAppToken,
} from "@fleet/app-url";
import { type Clock, createCache, FleetError } from "@fleet/base";
import { base64url, EncryptJWT, errors, jwtDecrypt } from "jose";
import type { CryptoKeyStore, KeyFeature } from "./store.js";

/** How long a browser may take from the access URL to an app's host. */
const APP_KEY_SECONDS = 60;
/** How long a replica believes what it has read of keys: a rotated key is used everywhere after it. */
const CACHE_MS = 60_000;
const FEATURES = 3;

/** The deployment's keys. Each is made when it is first asked for, once for all replicas. */
export type CryptoKeys = {
  /** Public keys of signed app tokens, as a JWK set in JSON. */
  appTokenJwks(): Promise<string>;
  /** Signs claims that a proxy may believe for a minute. */
  signAppToken(claims: AppClaims): Promise<string>;
  /** What a signed app token says. Throws `unauthenticated` for one that is not ours, or older than a minute. */
  verifyAppToken(token: string): Promise<AppClaims>;
  /**
   * Wraps an app session's token for its way in a URL: for one host name (no port), for a minute. Ask for the wrapper
   * before the token is made: a transaction that has begun must not wait for a second connection.
   */
  appKeyWrapper(host: string): Promise<(token: string) => Promise<string>>;
  /** The token in it. Throws `unauthenticated` when it is not ours, has expired, or was made for another host. */
  decryptAppKey(encrypted: string, host: string): Promise<string>;
  /** A secret of 32 bytes that is the same on every replica, and different for each purpose. */
  derive(purpose: string): Promise<Buffer>;
};

export function createCryptoKeys({ store, clock }: { store: CryptoKeyStore; clock: Clock }): CryptoKeys {
  /** Secrets by feature, newest first. */
  const secrets = createCache({ clock, ttlMs: CACHE_MS, limit: FEATURES, load });

  async function load(feature: KeyFeature): Promise<string[]> {
    const known = await store.secrets(feature);
    if (known.length > 0) return known;
    await store.insertFirst(feature, await randomSecret(feature));
    return store.secrets(feature);
  }

  const newest = async (feature: KeyFeature) => (await secrets.get(feature))[0]!;

  return {
    async appTokenJwks() {
      const keys = (await secrets.get("workspace_apps_token")).map((text) =>
        publicHalf(JSON.parse(text) as JWK),
      );
      return JSON.stringify({ keys });
    },

    async signAppToken(claims) {
      return signAppToken(claims, JSON.parse(await newest("workspace_apps_token")) as JWK, clock);
    },

    async verifyAppToken(token) {
      const keys = (await secrets.get("workspace_apps_token")).map((text) =>
        publicHalf(JSON.parse(text) as JWK),
      );
      return createAppTokenVerifier(keys, clock)(token);
    },

    async appKeyWrapper(host) {
      const key = base64url.decode(await newest("workspace_apps_api_key"));
      return (token) => {
        const now = Math.floor(clock.now().getTime() / 1000);
        return new EncryptJWT({ token })
          .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
          .setAudience(host)
          .setIssuedAt(now)
          .setExpirationTime(now + APP_KEY_SECONDS)
          .encrypt(key);
      };
    },

    async decryptAppKey(encrypted, host) {
      for (const secret of await secrets.get("workspace_apps_api_key")) {
        const result = await jwtDecrypt(encrypted, base64url.decode(secret), {
          audience: host,
          currentDate: clock.now(),
        }).catch((error: unknown) => {
          // Not of this secret, or of an earlier one.
          if (error instanceof errors.JOSEError) return undefined;
          throw error;
        });
        if (typeof result?.payload.token === "string") return result.payload.token;
      }
      throw new FleetError("unauthenticated", "This app link has expired. Open the app again.");
    },

    async derive(purpose) {
      return createHmac("sha256", base64url.decode(await newest("deployment")))
        .update(purpose)
        .digest();
    },
  };
}

async function randomSecret(feature: KeyFeature): Promise<string> {
  if (feature === "workspace_apps_token") return JSON.stringify((await generateAppKey()).privateKey);
  return base64url.encode(randomBytes(32));
}

function publicHalf({ d: _secret, ...publicKey }: JWK): JWK {
  return publicKey;
}
