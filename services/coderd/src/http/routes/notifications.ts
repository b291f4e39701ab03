import type { InboxNotification, NotificationPreference, NotificationTemplate } from "@fleet/sdk";
import type { Inbox } from "../../notifications/inbox.js";
import type { InboxFilter, InboxRow } from "../../notifications/inbox-store.js";
import type { Notifications, TemplateView } from "../../notifications/service.js";
import type { Preference } from "../../notifications/store.js";
import type { Users } from "../../users/service.js";
import type { Handlers } from "../handler.js";
import { Reply } from "../reply.js";

const NOT_MODIFIED = 304;

export function createNotificationHandlers({
  inbox,
  notifications,
  users,
}: {
  inbox: Inbox;
  notifications: Notifications;
  users: Users;
}) {
  return {
    inboxList: async ({ actor, query }) => {
      const filter = { ...toFilter(query), before: query.starting_before };
      const { rows, unread } = await inbox.list(actor, filter);
      return { notifications: rows.map(toNotification), unread_count: unread };
    },
    inboxWatch: async ({ actor, query, signal }) => {
      const changes = await inbox.watch(actor, toFilter(query), signal);
      return (async function* () {
        for await (const { row, unread } of changes)
          yield { notification: toNotification(row), unread_count: unread };
      })();
    },
    inboxMarkAllRead: async ({ actor }) => {
      await inbox.setAllRead(actor);
      return undefined;
    },
    inboxReadStatusUpdate: async ({ actor, params, body }) => {
      const { row, unread } = await inbox.setRead(actor, params.notification, body.is_read);
      return { notification: toNotification(row), unread_count: unread };
    },
    notificationTest: async ({ actor }) => {
      await notifications.sendTest(actor);
      return undefined;
    },
    notificationCustom: async ({ actor, body }) => {
      await notifications.sendCustom(actor, body.content);
      return undefined;
    },
    notificationSettings: async ({ actor }) => ({ notifier_paused: await notifications.paused(actor) }),
    notificationSettingsUpdate: async ({ actor, body }) => {
      const changed = await notifications.setPaused(actor, body.notifier_paused);
      return changed ? body : new Reply(undefined, { status: NOT_MODIFIED });
    },
    notificationTemplatesSystem: async ({ actor }) =>
      (await notifications.templates(actor, "system")).map((template) => toTemplate(template, "system")),
    notificationTemplatesCustom: async ({ actor }) =>
      (await notifications.templates(actor, "custom")).map((template) => toTemplate(template, "custom")),
    notificationTemplateMethodUpdate: async ({ actor, params, body }) => {
      const changed = await notifications.setMethod(actor, params.notificationTemplate, body.method);
      return changed ? undefined : new Reply(undefined, { status: NOT_MODIFIED });
    },
    notificationMethods: async () => ({
      available: [...notifications.methods.available],
      default: notifications.methods.default,
    }),
    notificationPreferences: async ({ actor, params }) => {
      const { id } = await users.find(actor, params.user);
      return (await notifications.preferences(actor, id)).map(toPreference);
    },
    notificationPreferencesUpdate: async ({ actor, params, body }) => {
      const { id } = await users.find(actor, params.user);
      return (await notifications.setPreferences(actor, id, body.template_disabled_map)).map(toPreference);
    },
  } satisfies Partial<Handlers>;
}

function toTemplate(template: TemplateView, kind: "system" | "custom"): NotificationTemplate {
  return {
    id: template.id,
    name: template.name,
    title_template: template.title,
    body_template: template.body,
    actions: JSON.stringify(template.actions.map(({ label, path }) => ({ label, url: path }))),
    group: template.group,
    method: template.method ?? "",
    kind,
    enabled_by_default: !template.offByDefault,
  };
}

function toPreference({ templateId, disabled, updatedAt }: Preference): NotificationPreference {
  return { id: templateId, disabled, updated_at: updatedAt.toISOString() };
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

export function toNotification(row: InboxRow): InboxNotification {
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
