import * as z from "zod";
import { route } from "../route.js";
import { InboxResponse, InboxUpdate } from "../types/index.js";
import { Id, queryIds } from "../wire.js";

/** `targets` and `templates` are ids joined by commas. */
const inboxFilters = {
  targets: queryIds.optional(),
  templates: queryIds.optional(),
  read_status: z.enum(["all", "read", "unread"]).optional(),
};

export const notificationRoutes = {
  inboxList: route({
    method: "GET",
    path: "/api/v2/notifications/inbox",
    summary: "List the caller's notifications, newest first.",
    access: "session",
    query: z.object({ ...inboxFilters, starting_before: Id.optional() }),
    response: InboxResponse,
  }),
  inboxWatch: route({
    method: "GET",
    path: "/api/v2/notifications/inbox/watch",
    summary: "Stream the caller's notifications.",
    access: "session",
    stream: "websocket",
    query: z.object({ ...inboxFilters, format: z.enum(["plaintext", "markdown"]).optional() }),
    response: InboxUpdate,
  }),
  inboxMarkAllRead: route({
    method: "PUT",
    path: "/api/v2/notifications/inbox/mark-all-as-read",
    summary: "Mark all of the caller's notifications as read.",
    access: "session",
    status: 204,
  }),
  inboxReadStatusUpdate: route({
    method: "PUT",
    path: "/api/v2/notifications/inbox/:notification/read-status",
    summary: "Mark a notification as read or unread.",
    access: "session",
    body: z.object({ is_read: z.boolean() }),
    response: InboxUpdate,
  }),
  notificationTest: route({
    method: "POST",
    path: "/api/v2/notifications/test",
    summary: "Send a test notification to the caller.",
    access: { resource: "deployment_config", action: "update" },
  }),
};
