import { type Clock, FleetError } from "@fleet/base";
import type { ApiKeys } from "../apikeys/service.js";
import { checkPassword, type Passwords } from "../auth/passwords.js";
import { hashToken, randomText } from "../auth/tokens.js";
import type { UnitOfWork } from "../database/unit-of-work.js";
import type { Notifier } from "../notifications/notifier.js";
import type { PasswordResetStore } from "./password-reset-store.js";
import type { UserStore } from "./store.js";

/** Setting a new password with a one-time passcode that was sent by email. */
export type PasswordReset = {
  /**
   * Sends a passcode to the user with this email, if there is one who signs in with a password; otherwise does nothing.
   * The caller cannot tell the difference, neither by the result nor by the time it takes.
   * `record` is called with the user's id in the transaction that stores the passcode.
   * @throws failed_precondition if the deployment cannot send email.
   */
  request(email: string, record: (userId: string) => Promise<void>): Promise<void>;
  /**
   * Sets the password and ends all of the user's sessions. The passcode stops working.
   * `record` is called around the change, with the user's id.
   * @throws invalid_argument for a wrong or expired passcode, or a password that is not acceptable.
   */
  change(
    request: { email: string; password: string; passcode: string },
    record: (userId: string, change: () => Promise<void>) => Promise<void>,
  ): Promise<void>;
};

/** How long a passcode is valid. */
const VALID_MS = 20 * 60_000;
/** At most one email per user in this time. */
const PAUSE_MS = 60_000;
/** Letters and digits: 190 bits. */
const CODE_LENGTH = 32;
/** Responses take this long, whatever was done. */
const RESPONSE_MS = 300;

export function createPasswordReset({
  store,
  users,
  apiKeys,
  passwords,
  notifier,
  unitOfWork,
  canSendEmail,
  clock,
}: {
  store: PasswordResetStore;
  users: UserStore;
  apiKeys: Pick<ApiKeys, "revokeAll">;
  passwords: Passwords;
  notifier: Notifier;
  unitOfWork: Pick<UnitOfWork, "run">;
  canSendEmail: boolean;
  clock: Clock;
}): PasswordReset {
  async function send(email: string, record: (userId: string) => Promise<void>): Promise<void> {
    const user = await users.findByEmail(email);
    if (user?.loginType !== "password" || user.status === "suspended") return;
    const code = randomText(CODE_LENGTH);
    const now = clock.now();
    const expiresAt = new Date(now.getTime() + VALID_MS);
    const times = { now, recent: new Date(now.getTime() - PAUSE_MS), expiresAt };
    if (!(await store.issue(user.id, hashToken(code), times))) return;
    const labels = { one_time_passcode: code, email: user.email };
    await notifier.notify([
      { event: "oneTimePasscode", to: { users: [user.id] }, labels, targets: [user.id], expiresAt },
    ]);
    await record(user.id);
  }

  async function set(
    { email, password, passcode }: { email: string; password: string; passcode: string },
    record: (userId: string, change: () => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const user = await users.findByEmail(email);
    const usable = user?.loginType === "password" && user.status !== "suspended" ? user : undefined;
    if (!usable || !(await store.take(usable.id, hashToken(passcode), clock.now()))) {
      throw new FleetError("invalid_argument", "The link is not valid or has expired. Request another one.");
    }
    if (await passwords.matches(password, usable.passwordHash)) {
      const detail = "New password cannot match old password.";
      throw new FleetError("invalid_argument", detail, { validations: [{ field: "password", detail }] });
    }
    await record(usable.id, async () => {
      await users.update(usable.id, { passwordHash: await passwords.hash(password) });
      await apiKeys.revokeAll(usable.id);
    });
  }

  /** Responds after the same time, whether the user exists or not. */
  async function evenly(work: () => Promise<void>): Promise<void> {
    const [result] = await Promise.allSettled([unitOfWork.run(work), clock.sleep(RESPONSE_MS)]);
    if (result.status === "rejected") throw result.reason;
  }

  return {
    async request(email, record) {
      if (!canSendEmail) {
        throw new FleetError(
          "failed_precondition",
          "This deployment cannot send email. Ask an administrator to set a new password.",
        );
      }
      await evenly(() => send(email, record));
    },

    async change(request, record) {
      checkPassword(request.password);
      await evenly(() => set(request, record));
    },
  };
}
