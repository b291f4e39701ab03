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

/** How long a browser may take to get from the access URL to an app's host, in seconds. */
const APP_KEY_SECONDS = 60;
/** How long a replica caches keys; after that, a rotated key is in use everywhere. */
const CACHE_MS = 60_000;
const FEATURES = 3;

/** The deployment's keys. Each is created on first use, once for all replicas. */
export type CryptoKeys = {
  /** Public keys for signed app tokens, as a JSON JWK set. */
  appTokenJwks(): Promise<string>;
  /** Signs claims, which proxies may trust for a minute. */
  signAppToken(claims: AppClaims): Promise<string>;
  /**
   * Verifies a signed app token and returns its claims. Throws `unauthenticated` if it was not signed by this
   * deployment or is older than a minute.
   */
  verifyAppToken(token: string): Promise<AppClaims>;
  /**
   * Wraps an app session's token for use in a URL, for one hostname (no port) and one minute. Get the wrapper before
   * creating the token: an open transaction must not wait for a second connection.
   */
  appKeyWrapper(host: string): Promise<(token: string) => Promise<string>>;
  /**
   * Unwraps the token. Throws `unauthenticated` if it was not wrapped by this deployment, has expired, or is for
   * another host.
   */
  decryptAppKey(encrypted: string, host: string): Promise<string>;
  /** A 32-byte secret per purpose, identical on every replica. */
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
          // Not encrypted with this secret; an older one may match.
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
