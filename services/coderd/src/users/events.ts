import type { Notifier } from "../notifications/notifier.js";
import type { UserRow } from "./store.js";

/** Notifies administrators of changes to accounts, and users of changes to their own. */
export type UserEvents = {
  /** `byId`: who did it; undefined if nobody was signed in, for example at a first sign-in with an identity provider. */
  created(user: UserRow, byId: string | undefined): Promise<void>;
  deleted(user: UserRow, byId: string | undefined): Promise<void>;
  suspended(user: UserRow, byId: string | undefined): Promise<void>;
  activated(user: UserRow, byId: string | undefined): Promise<void>;
};

export function createUserEvents(notifier: Notifier): UserEvents {
  async function labelsOf({ username, name }: UserRow, byId: string | undefined) {
    const initiator = (byId && (await notifier.username(byId))) || "an identity provider";
    return { account: username, account_name: name || username, initiator };
  }

  const toAdmins =
    (event: "userAccountCreated" | "userAccountDeleted") =>
    async (user: UserRow, byId: string | undefined) => {
      const to = { admins: "users", except: byId } as const;
      await notifier.notify([{ event, to, labels: await labelsOf(user, byId), targets: [user.id] }]);
    };

  const toBoth =
    (
      event: "userAccountSuspended" | "userAccountActivated",
      own: "yourAccountSuspended" | "yourAccountActivated",
    ) =>
    async (user: UserRow, byId: string | undefined) => {
      const labels = await labelsOf(user, byId);
      const targets = [user.id];
      await notifier.notify([
        { event, to: { admins: "users", except: byId }, labels, targets },
        { event: own, to: { users: [user.id] }, labels, targets },
      ]);
    };

  return {
    created: toAdmins("userAccountCreated"),
    deleted: toAdmins("userAccountDeleted"),
    suspended: toBoth("userAccountSuspended", "yourAccountSuspended"),
    activated: toBoth("userAccountActivated", "yourAccountActivated"),
  };
}
