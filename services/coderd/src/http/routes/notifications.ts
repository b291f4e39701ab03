import type { InboxNotification } from "@fleet/sdk";
import type { Notifications } from "../../notifications/service.js";
import type { InboxFilter, InboxRow } from "../../notifications/store.js";
import type { Handlers } from "../handler.js";

export function createNotificationHandlers({ notifications }: { notifications: Notifications }) {
  return {
    inboxList: async ({ actor, query }) => {
      const filter = { ...toFilter(query), before: query.starting_before };
      const { rows, unread } = await notifications.list(actor, filter);
      return { notifications: rows.map(toNotification), unread_count: unread };
    },
    inboxWatch: async ({ actor, query, signal }) => {
      const changes = await notifications.watch(actor, toFilter(query), signal);
      return (async function* () {
        for await (const { row, unread } of changes)
          yield { notification: toNotification(row), unread_count: unread };
      })();
    },
    inboxMarkAllRead: async ({ actor }) => {
      await notifications.setAllRead(actor);
      return undefined;
    },
    inboxReadStatusUpdate: async ({ actor, params, body }) => {
      const { row, unread } = await notifications.setRead(actor, params.notification, body.is_read);
      return { notification: toNotification(row), unread_count: unread };
    },
    notificationTest: async ({ actor }) => {
      await notifications.sendTest(actor);
      return undefined;
    },
  } satisfies Partial<Handlers>;
}

function toFilter(query: {
  targets?: string[] | undefined;
  templates?: string[] | undefined;
  read_status?: "all" | "read" | "unread" | undefined;
}): InboxFilter {
  return {
    targets: query.targets,
    kinds: query.templates,
    read:
      query.read_status === undefined || query.read_status === "all"
        ? undefined
        : query.read_status === "read",
  };
}

function toNotification(row: InboxRow): InboxNotification {
  return {
    id: row.id,
    user_id: row.userId,
    template_id: row.templateId,
    targets: row.targets,
    title: row.title,
    content: row.content,
    icon: row.icon,
    actions: row.actions as InboxNotification["actions"],
    read_at: row.readAt?.toISOString() ?? null,
    created_at: row.createdAt.toISOString(),
  };
}
