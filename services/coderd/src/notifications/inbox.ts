import { type Clock, FleetError } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { hintsOf } from "../pubsub/hints.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { InboxFilter, InboxRow, InboxStore, NewNotification } from "./inbox-store.js";

const inboxChannel = (userId: string) => `user:${userId}:inbox`;
/** How often a watcher polls when nothing is published. */
const POLL_MS = 30_000;
/** Rows per page. */
export const INBOX_PAGE = 25;

export type InboxChange = { row: InboxRow; unread: number };

/** Users' inboxes. */
export type Inbox = {
  /** Adds the notification to its user's inbox, unless it is there, and wakes watchers. */
  add(notification: NewNotification): Promise<void>;
  /** One page of the actor's inbox, newest first, and the unread count. */
  list(actor: Actor, filter: InboxFilter): Promise<{ rows: InboxRow[]; unread: number }>;
  /** New notifications until the signal aborts. Subscribes before it reads, so that none is missed. */
  watch(actor: Actor, filter: InboxFilter, signal: AbortSignal): Promise<AsyncGenerator<InboxChange>>;
  /** @throws NotificationNotFound if the actor has no notification with this id. */
  setRead(actor: Actor, id: string, read: boolean): Promise<InboxChange>;
  /** Marks all of the actor's notifications as read. */
  setAllRead(actor: Actor): Promise<void>;
};

export function createInbox(options: { store: InboxStore; pubsub: Pubsub; clock: Clock }): Inbox {
  const { store, pubsub, clock } = options;

  /** The caller, who owns the inbox; the credential's scope must include it. */
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

  return {
    async add(notification) {
      await store.insert(notification);
      pubsub.publish(inboxChannel(notification.userId), {});
    },

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
  };
}

export class NotificationNotFound extends FleetError {
  constructor() {
    super("not_found", "Notification not found, or it belongs to another user.");
  }
}
