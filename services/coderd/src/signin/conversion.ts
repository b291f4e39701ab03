import { type Clock, FleetError } from "@fleet/base";
import { EncryptJWT, jwtDecrypt } from "jose";
import type { Actor } from "../auth/actor.js";
import type { Passwords } from "../auth/passwords.js";
import type { CryptoKeys } from "../cryptokeys/service.js";
import type { Users } from "../users/service.js";
import { ProviderNotConfigured } from "./errors.js";
import type { ProviderType } from "./links-store.js";

/** The change of a user from a password to a provider. Both prove it: the password first, then the provider. */
export type Conversions = {
  /**
   * Checks the password and returns the permission to change, with which the user starts a sign-in at the provider.
   * @throws invalid_argument for a wrong password or a user who does not sign in with one.
   */
  begin(
    actor: Actor,
    user: string,
    request: { toType: ProviderType; password: string },
  ): Promise<{ userId: string; state: string; expiresAt: Date }>;
  /** The user with this permission, who must be the actor. @throws permission_denied otherwise. */
  open(actor: Actor, state: string, toType: ProviderType): Promise<string>;
};

const MINUTES = 5;
const PURPOSE = "login type conversion";

export function createConversions(options: {
  users: Users;
  passwords: Passwords;
  cryptoKeys: CryptoKeys;
  configured: ReadonlySet<ProviderType>;
  clock: Clock;
}): Conversions {
  const { users, passwords, cryptoKeys, configured, clock } = options;

  return {
    async begin(actor, user, { toType, password }) {
      const row = await users.require(actor, "update_personal", user);
      if (actor.kind !== "user" || actor.userId !== row.id) {
        throw invalid("user", "Users change their login type themselves.");
      }
      if (row.loginType !== "password") throw invalid("to_type", "You do not sign in with a password.");
      if (!configured.has(toType)) throw new ProviderNotConfigured(toType);
      if (!(await passwords.matches(password, row.passwordHash)))
        throw invalid("password", "The password is incorrect.");
      const expiresAt = new Date(clock.now().getTime() + MINUTES * 60_000);
      const state = await new EncryptJWT({ userId: row.id, toType })
        .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
        .setExpirationTime(Math.floor(expiresAt.getTime() / 1000))
        .encrypt(await cryptoKeys.derive(PURPOSE));
      return { userId: row.id, state, expiresAt };
    },

    async open(actor, state, toType) {
      const key = await cryptoKeys.derive(PURPOSE);
      const opened = await jwtDecrypt(state, key, { currentDate: clock.now() }).catch(() => undefined);
      const { userId, toType: permitted } = opened?.payload ?? {};
      if (typeof userId !== "string" || permitted !== toType || !isUser(actor, userId)) {
        throw new FleetError(
          "permission_denied",
          "The change of the login type has expired or was started by another user. Start it again in your account settings.",
        );
      }
      return userId;
    },
  };
}

/** True if this user is signed in. */
export function isUser(actor: Actor, userId: string): boolean {
  return actor.kind === "user" && actor.userId === userId;
}

function invalid(field: string, detail: string): FleetError {
  return new FleetError("invalid_argument", detail, { validations: [{ field, detail }] });
}
