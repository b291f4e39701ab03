import * as z from "zod";
import { Id, line, map, Name, Timestamp, text } from "../wire.js";

export const InboxNotification = z.object({
  id: Id,
  user_id: Id,
  template_id: Id,
  targets: z.array(Id),
  title: z.string(),
  content: z.string(),
  icon: z.string(),
  actions: z.array(z.object({ label: z.string(), url: z.string() })),
  read_at: Timestamp.nullable(),
  created_at: Timestamp,
});
export type InboxNotification = z.infer<typeof InboxNotification>;

export const InboxResponse = z.object({
  notifications: z.array(InboxNotification),
  unread_count: z.number(),
});
export type InboxResponse = z.infer<typeof InboxResponse>;

/** A new or updated notification, and the number of unread ones after it. */
export const InboxUpdate = z.object({ notification: InboxNotification, unread_count: z.number() });
export type InboxUpdate = z.infer<typeof InboxUpdate>;

export const NotificationsSettings = z.object({ notifier_paused: z.boolean() });
export type NotificationsSettings = z.infer<typeof NotificationsSettings>;

/** What happened, in words with placeholders. `actions` is JSON. */
export const NotificationTemplate = z.object({
  id: Id,
  name: z.string(),
  title_template: z.string(),
  body_template: z.string(),
  actions: z.string(),
  group: z.string(),
  /** Empty: the deployment's default. */
  method: z.string(),
  kind: z.enum(["system", "custom"]),
  enabled_by_default: z.boolean(),
});
export type NotificationTemplate = z.infer<typeof NotificationTemplate>;

export const UpdateNotificationTemplateMethodRequest = z.object({ method: z.union([Name, z.literal("")]) });

export const NotificationMethods = z.object({ available: z.array(z.string()), default: z.string() });

export const NotificationPreference = z.object({ id: Id, disabled: z.boolean(), updated_at: Timestamp });
export type NotificationPreference = z.infer<typeof NotificationPreference>;

export const UpdateNotificationPreferencesRequest = z.object({
  /** By template id. */
  template_disabled_map: map(z.boolean(), 100),
});

/** Longest title and message of a notification in a user's own words. */
const CUSTOM_LENGTH = { title: 120, message: 2_000 } as const;

export const CustomNotificationRequest = z.object({
  content: z.object({
    title: line(CUSTOM_LENGTH.title).min(1),
    message: text(CUSTOM_LENGTH.message).min(1),
  }),
});
