import * as z from "zod";
import { Id, Timestamp } from "../wire.js";

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

/** A notification that came or was marked, and how many are unread after it. */
export const InboxUpdate = z.object({ notification: InboxNotification, unread_count: z.number() });
export type InboxUpdate = z.infer<typeof InboxUpdate>;

export const NotificationsSettings = z.object({ notifier_paused: z.boolean() });
export type NotificationsSettings = z.infer<typeof NotificationsSettings>;

export const NotificationTemplate = z.object({
  id: Id,
  name: z.string(),
  title_template: z.string(),
  body_template: z.string(),
  actions: z.string(),
  group: z.string(),
  method: z.string(),
  kind: z.string(),
  enabled_by_default: z.boolean(),
});
export type NotificationTemplate = z.infer<typeof NotificationTemplate>;

/** A kind of notification that a user has switched off, or on again. */
export const NotificationPreference = z.object({ id: Id, disabled: z.boolean(), updated_at: Timestamp });
export type NotificationPreference = z.infer<typeof NotificationPreference>;

export const UpdateNotificationPreferencesRequest = z.object({
  template_disabled_map: z.record(z.string(), z.boolean()),
});
export type UpdateNotificationPreferencesRequest = z.infer<typeof UpdateNotificationPreferencesRequest>;
