import { type Clock, FleetError } from "@fleet/base";
import type { Redis } from "ioredis";
import { EncryptJWT, jwtDecrypt } from "jose";
import { randomText } from "../auth/tokens.js";
import type { CryptoKeys } from "../cryptokeys/service.js";
import type { ProviderType } from "./links-store.js";

/** A sign-in under way, known only to the browser that started it. */
export type Flow = {
  provider: ProviderType;
  /** Sent to the provider, which returns it. */
  state: string;
  /** Sent to the provider, which puts it into the ID token. */
  nonce: string;
  /** The PKCE code verifier. */
  verifier: string;
  /** Where to go afterwards: a path of this site. */
  redirect: string;
  /** The user who changes to this provider. */
  convertUserId?: string | undefined;
};

export type Flows = {
  /** Starts a flow. The sealed form is for a cookie of the browser. */
  start(flow: Pick<Flow, "provider" | "redirect" | "convertUserId">): Promise<{ flow: Flow; sealed: string }>;
  /**
   * The flow of a callback, which can be taken once, or, with `again`, any number of times.
   * @throws permission_denied if the cookie is missing, or the flow is another one, has expired or was taken.
   */
  take(
    provider: ProviderType,
    state: string | undefined,
    sealed: string | undefined,
    options?: { again?: boolean },
  ): Promise<Flow>;
};

/** How long a user may take at the provider. */
export const FLOW_SECONDS = 15 * 60;
const SECRET_LENGTH = 43;
/** Redis timeout of the mark that a flow was taken. Without Redis, only the provider rejects a second use of its code. */
const MARK_LIMIT_MS = 1_000;
const PURPOSE = "sign-in flows";

export function createFlows(options: {
  cryptoKeys: CryptoKeys;
  redis: Redis;
  prefix: string;
  clock: Clock;
}): Flows {
  const { cryptoKeys, redis, prefix, clock } = options;

  async function isTaken(state: string): Promise<boolean> {
    if (redis.status !== "ready") return false;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), MARK_LIMIT_MS);
    });
    const marked = redis.set(`${prefix}:sign-in:${state}`, "1", "EX", FLOW_SECONDS, "NX").catch(() => "late");
    return Promise.race([marked, late])
      .then((answer) => answer === null)
      .finally(() => clearTimeout(timer));
  }

  return {
    async start({ provider, redirect, convertUserId }) {
      const flow: Flow = {
        provider,
        redirect,
        convertUserId,
        state: randomText(SECRET_LENGTH),
        nonce: randomText(SECRET_LENGTH),
        verifier: randomText(SECRET_LENGTH),
      };
      const now = Math.floor(clock.now().getTime() / 1000);
      const sealed = await new EncryptJWT({ flow })
        .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
        .setExpirationTime(now + FLOW_SECONDS)
        .encrypt(await cryptoKeys.derive(PURPOSE));
      return { flow, sealed };
    },

    async take(provider, state, sealed, { again = false } = {}) {
      const key = await cryptoKeys.derive(PURPOSE);
      const opened = sealed
        ? await jwtDecrypt(sealed, key, { currentDate: clock.now() }).catch(() => undefined)
        : undefined;
      const flow = opened?.payload.flow as Flow | undefined;
      if (
        !flow ||
        !state ||
        flow.provider !== provider ||
        flow.state !== state ||
        (!again && (await isTaken(state)))
      ) {
        throw new FleetError(
          "permission_denied",
          "This sign-in was started in another browser, has expired or was already used. Sign in again, at the deployment's access URL and with cookies enabled.",
        );
      }
      return flow;
    },
  };
}
