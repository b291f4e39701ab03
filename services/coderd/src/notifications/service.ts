import { type Clock, FleetError } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { hintsOf } from "../pubsub/hints.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { InboxFilter, InboxRow, InboxStore, NewNotification } from "./store.js";

/** Kinds of notifications, under upstream's ids: clients filter by them. */
export const NOTIFICATION_KINDS = { test: "c425f63e-716a-4bf4-ae24-78348f706c3f" } as const;

const inboxChannel = (userId: string) => `user:${userId}:inbox`;
/** A watcher looks again this often when nothing is announced. */
const POLL_MS = 30_000;
/** Rows of one answer. */
export const INBOX_PAGE = 25;

export type InboxChange = { row: InboxRow; unread: number };

/** The inbox of each user. */
export type Notifications = {
  /** Puts the notification into its user's inbox, and tells those who watch it. */
  send(notification: NewNotification): Promise<void>;
  /** One page of the actor's inbox, latest first, and how many are not read. */
  list(actor: Actor, filter: InboxFilter): Promise<{ rows: InboxRow[]; unread: number }>;
  /**
   * What arrives from now on, until the signal aborts. It listens first and reads then, so that nothing falls between.
   */
  watch(actor: Actor, filter: InboxFilter, signal: AbortSignal): Promise<AsyncGenerator<InboxChange>>;
  /** @throws NotificationNotFound where the actor has none of this id. */
  setRead(actor: Actor, id: string, read: boolean): Promise<InboxChange>;
  /** Of the actor. */
  setAllRead(actor: Actor): Promise<void>;
  /** Sends the caller a notification by which they see that notifications arrive. */
  sendTest(actor: Actor): Promise<void>;
};

export function createNotifications(options: {
  store: InboxStore;
  pubsub: Pubsub;
  clock: Clock;
}): Notifications {
  const { store, pubsub, clock } = options;

  /** The caller, whose inbox it is; its credential has to reach so far. */
  function requireInbox(actor: Actor, action: "read" | "update"): string {
    const { userId } = requireUser(actor);
    authorizer.require(
      actor,
      action,
      { type: "inbox_notification", ownerId: userId },
      new NotificationNotFound(),
    );
    return userId;
  }

  async function send(notification: NewNotification): Promise<void> {
    await store.insert(notification);
    pubsub.publish(inboxChannel(notification.userId), {});
  }

  return {
    send,

    async list(actor, filter) {
      const userId = requireInbox(actor, "read");
      const [rows, unread] = await Promise.all([
        store.list(userId, filter, INBOX_PAGE),
        store.countUnread(userId),
      ]);
      return { rows, unread };
    },

    async watch(actor, filter, signal) {
      const userId = requireInbox(actor, "read");
      const hints = await hintsOf(pubsub, inboxChannel(userId), clock, signal, POLL_MS);
      let after = await store.latest(userId);
      return (async function* () {
        while (!signal.aborted) {
          for (const row of await store.list(userId, { ...filter, after }, INBOX_PAGE)) {
            after = row;
            yield { row, unread: await store.countUnread(userId) };
          }
          await hints.next();
        }
      })();
    },

    async setRead(actor, id, read) {
      const userId = requireInbox(actor, "update");
      const row = await store.setRead(userId, id, read ? clock.now() : null);
      if (!row) throw new NotificationNotFound();
      return { row, unread: await store.countUnread(userId) };
    },

    async setAllRead(actor) {
      await store.setAllRead(requireInbox(actor, "update"), clock.now());
    },

    async sendTest(actor) {
      const missing = new FleetError(
        "permission_denied",
        "You do not have permission to send test notifications.",
      );
      authorizer.require(actor, "update", { type: "deployment_config" }, missing);
      await send({
        userId: requireUser(actor).userId,
        templateId: NOTIFICATION_KINDS.test,
        title: "Test notification",
        content: "This is a test notification. Notifications are working.",
        icon: "/icon/bell.svg",
      });
    },
  };
}

export class NotificationNotFound extends FleetError {
  constructor() {
    super("not_found", "Notification not found, or it belongs to another user.");
  }
}
