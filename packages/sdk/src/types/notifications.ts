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

/** A new or updated notification, and the number of unread ones after it. */
export const InboxUpdate = z.object({ notification: InboxNotification, unread_count: z.number() });
export type InboxUpdate = z.infer<typeof InboxUpdate>;
