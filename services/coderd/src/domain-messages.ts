import type { Registry } from "prom-client";
import type { Channel } from "./deliveries/dispatcher.js";
import { DeliveryMetrics } from "./deliveries/metrics.js";
import { createDeliveries, type Deliveries } from "./deliveries/service.js";
import { createDeliveryStore } from "./deliveries/store.js";
import { createNotificationChannels } from "./notifications/channels.js";
import { createInbox, type Inbox } from "./notifications/inbox.js";
import { createInboxStore } from "./notifications/inbox-store.js";
import { createNotifier, type MethodSettings, type Notifier } from "./notifications/notifier.js";
import { createNotifications, type Notifications } from "./notifications/service.js";
import { methodSettings, smtpSettings, webhookSettings } from "./notifications/settings.js";
import { createMailer } from "./notifications/smtp.js";
import { createNotificationStore } from "./notifications/store.js";
import type { Platform } from "./platform.js";
import { createSyslog, type Syslog } from "./syslog/service.js";
import { createWebhooks, type Webhooks } from "./webhooks/service.js";
import { createWebhookStore } from "./webhooks/store.js";

/** What is sent to users and to the outside. */
export type Messages = {
  deliveries: Deliveries;
  notifier: Notifier;
  notifications: Notifications;
  inbox: Inbox;
  webhooks: Webhooks;
  /** Undefined without a syslog server. */
  syslog: Syslog | undefined;
  /** How this deployment can send notifications. */
  notificationMethods: MethodSettings;
  /** All channels that messages leave through. */
  channels: readonly Channel[];
};

export function createMessages(platform: Platform, registry: Registry): Messages {
  const { config, db, crypt, unitOfWork, pubsub, clock, logger } = platform;
  const deliveries = createDeliveries({
    store: createDeliveryStore(db, crypt),
    unitOfWork,
    settings: {
      maxAttempts: config.CODER_NOTIFICATIONS_MAX_SEND_ATTEMPTS,
      retryIntervalMs: config.CODER_NOTIFICATIONS_RETRY_INTERVAL,
      fetchIntervalMs: config.CODER_NOTIFICATIONS_FETCH_INTERVAL,
      leaseMs: config.CODER_NOTIFICATIONS_LEASE_PERIOD,
      leaseCount: config.CODER_NOTIFICATIONS_LEASE_COUNT,
      timeoutMs: config.CODER_NOTIFICATIONS_DISPATCH_TIMEOUT,
      syncIntervalMs: config.CODER_NOTIFICATIONS_STORE_SYNC_INTERVAL,
      syncBuffer: config.CODER_NOTIFICATIONS_STORE_SYNC_BUFFER_SIZE,
    },
    clock,
    logger,
    onAttempt: new DeliveryMetrics(registry).attempt,
  });
  const store = createNotificationStore(db);
  const methods = methodSettings(config);
  const notifier = createNotifier({ store, deliveries, methods });
  const inbox = createInbox({ store: createInboxStore(db), pubsub, clock });
  const webhooks = createWebhooks({ store: createWebhookStore(db, crypt), deliveries, clock });
  const syslog = config.CODER_SYSLOG_URL
    ? createSyslog({
        server: new URL(config.CODER_SYSLOG_URL),
        deliveries,
        hostname: new URL(config.CODER_ACCESS_URL).hostname,
        clock,
      })
    : undefined;
  const smtp = smtpSettings(config);
  const notificationChannels = createNotificationChannels({
    store,
    inbox,
    sendMail: smtp && createMailer(smtp),
    webhook: webhookSettings(config),
    accessUrl: config.CODER_ACCESS_URL,
    clock,
  });
  return {
    deliveries,
    notifier,
    notifications: createNotifications({ store, notifier, deliveries, methods, clock }),
    inbox,
    webhooks,
    syslog,
    notificationMethods: methods,
    channels: [...notificationChannels, webhooks.channel, ...(syslog ? [syslog.channel] : [])],
  };
}
