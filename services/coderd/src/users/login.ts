import { FleetError } from "@fleet/base";
import type { ApiKeys, IssuedKey } from "../apikeys/service.js";
import type { Passwords } from "../auth/passwords.js";
import type { UserStore } from "./store.js";

/**
 * Checks a password and creates a session.
 * @throws unauthenticated, with the same message for an unknown email and a wrong password, or for a suspended user;
 *   permission_denied if password login is disabled for everyone but owners.
 */
export type Login = (email: string, password: string, ip: string) => Promise<IssuedKey>;

export function createLogin({
  store,
  apiKeys,
  passwords,
  passwordLogin,
}: {
  store: UserStore;
  apiKeys: ApiKeys;
  passwords: Passwords;
  passwordLogin: boolean;
}): Login {
  return async (email, password, ip) => {
    const user = await store.findByEmail(email);
    const usable = user?.loginType === "password" ? user : null;
    const matches = await passwords.matches(password, usable?.passwordHash ?? "");
    if (!usable || !matches) throw new FleetError("unauthenticated", "Incorrect email or password.");
    if (!passwordLogin && !usable.roles.includes("owner")) {
      throw new FleetError(
        "permission_denied",
        "Password authentication is disabled. Use another sign-in method.",
      );
    }
    if (usable.status === "suspended") {
      throw new FleetError(
        "unauthenticated",
        "Your account is suspended. Ask an administrator to reactivate it.",
      );
    }
    if (usable.status === "dormant") await store.update(usable.id, { status: "active" });
    return apiKeys.issue({ userId: usable.id, loginType: "password", ip });
  };
}
