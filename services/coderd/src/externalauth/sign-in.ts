import { randomBytes, timingSafeEqual } from "node:crypto";
import { type Clock, FleetError } from "@fleet/base";
import { EncryptJWT, errors, jwtDecrypt } from "jose";
import { authorizeUrl, newVerifier } from "./oauth.js";
import type { Provider } from "./providers.js";

/** How long a sign-in at a provider may take, in seconds. */
export const SIGN_IN_SECONDS = 600;
const PURPOSE = "external auth sign-in";
const STATE_BYTES = 16;

/** A sign-in that has begun: where to send the browser, and what it has to bring back. */
export type BegunSignIn = { location: string; cookie: string };

/** What the browser brought back. */
export type ReturnedSignIn = { cookie: string | undefined; state: string };

/**
 * Sign-ins in the browser. What they need at their end is in a cookie that only this deployment can read, so that any
 * replica can complete them, and only in the browser and for the user that began them.
 */
export type SignIns = {
  begin(provider: Provider, userId: string, redirect: string): Promise<BegunSignIn>;
  /** @throws permission_denied if it was not begun by this user in this browser, or too long ago. */
  complete(
    provider: Provider,
    userId: string,
    returned: ReturnedSignIn,
  ): Promise<{ verifier: string; redirect: string }>;
};

export function createSignIns(options: {
  derive(purpose: string): Promise<Buffer>;
  callbackUrl(provider: Provider): string;
  clock: Clock;
}): SignIns {
  const { derive, callbackUrl, clock } = options;
  const nowSeconds = () => Math.floor(clock.now().getTime() / 1_000);

  return {
    async begin(provider, userId, redirect) {
      const [verifier, state] = [newVerifier(), randomBytes(STATE_BYTES).toString("base64url")];
      const cookie = await new EncryptJWT({ verifier, state, redirect })
        .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
        .setAudience(provider.id)
        .setSubject(userId)
        .setExpirationTime(nowSeconds() + SIGN_IN_SECONDS)
        .encrypt(await derive(PURPOSE));
      return {
        location: authorizeUrl(provider, { redirectUri: callbackUrl(provider), state, verifier }),
        cookie,
      };
    },

    async complete(provider, userId, { cookie, state }) {
      const begun = await jwtDecrypt(cookie ?? "", await derive(PURPOSE), {
        audience: provider.id,
        subject: userId,
        currentDate: clock.now(),
      }).catch((error: unknown) => {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      });
      const { verifier, state: expected, redirect } = (begun?.payload ?? {}) as Record<string, unknown>;
      if (typeof verifier !== "string" || typeof redirect !== "string" || !same(String(expected), state)) {
        throw new FleetError(
          "permission_denied",
          "This sign-in was not started in this browser, or it took too long. Start it again.",
        );
      }
      return { verifier, redirect };
    },
  };
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
