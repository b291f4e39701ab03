import * as z from "zod";
import { route } from "../route.js";
import {
  CustomNotificationRequest,
  InboxResponse,
  InboxUpdate,
  NotificationMethods,
  NotificationPreference,
  NotificationsSettings,
  NotificationTemplate,
  UpdateNotificationPreferencesRequest,
  UpdateNotificationTemplateMethodRequest,
} from "../types/index.js";
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
  notificationCustom: route({
    method: "POST",
    path: "/api/v2/notifications/custom",
    summary: "Send the caller a notification in the caller's own words.",
    access: "session",
    status: 204,
    body: CustomNotificationRequest,
  }),
  notificationSettings: route({
    method: "GET",
    path: "/api/v2/notifications/settings",
    summary: "Get whether notifications are paused.",
    access: "session",
    response: NotificationsSettings,
  }),
  notificationSettingsUpdate: route({
    method: "PUT",
    path: "/api/v2/notifications/settings",
    summary: "Pause or resume notifications; while paused, they wait.",
    access: { resource: "deployment_config", action: "update" },
    alsoStatus: [304],
    body: NotificationsSettings,
    response: NotificationsSettings,
  }),
  notificationTemplatesSystem: route({
    method: "GET",
    path: "/api/v2/notifications/templates/system",
    summary: "List the notification templates.",
    access: "session",
    response: z.array(NotificationTemplate),
  }),
  notificationTemplatesCustom: route({
    method: "GET",
    path: "/api/v2/notifications/templates/custom",
    summary: "List the templates of notifications in users' own words.",
    access: "session",
    response: z.array(NotificationTemplate),
  }),
  notificationTemplateMethodUpdate: route({
    method: "PUT",
    path: "/api/v2/notifications/templates/:notificationTemplate/method",
    summary: "Set how a template's notifications are sent; an empty method resets it.",
    access: { resource: "notification_template", action: "update" },
    alsoStatus: [304],
    body: UpdateNotificationTemplateMethodRequest,
  }),
  notificationMethods: route({
    method: "GET",
    path: "/api/v2/notifications/dispatch-methods",
    summary: "List the configured ways to send notifications.",
    access: "session",
    response: NotificationMethods,
  }),
  notificationPreferences: route({
    method: "GET",
    path: "/api/v2/users/:user/notifications/preferences",
    summary: "List the notifications that a user turned on or off.",
    access: { resource: "notification_preference", action: "read" },
    response: z.array(NotificationPreference),
  }),
  notificationPreferencesUpdate: route({
    method: "PUT",
    path: "/api/v2/users/:user/notifications/preferences",
    summary: "Turn notifications on or off for a user.",
    access: { resource: "notification_preference", action: "update" },
    body: UpdateNotificationPreferencesRequest,
    response: z.array(NotificationPreference),
  }),
};
