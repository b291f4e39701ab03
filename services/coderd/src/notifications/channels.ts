import type { Clock } from "@fleet/base";
import { type Channel, DeliveryRefused } from "../deliveries/dispatcher.js";
import type { LeasedDelivery } from "../deliveries/store.js";
import { postWebhook } from "../deliveries/webhook.js";
import type { Inbox } from "./inbox.js";
import { writeMail } from "./mail.js";
import type { Method, StoredNotification } from "./notifier.js";
import { type Rendered, render } from "./render.js";
import type { SendMail } from "./smtp.js";
import type { Addressee, NotificationStore } from "./store.js";
import { type NotificationTemplate, templateById } from "./templates.js";

/** Attempts at the same time, per replica. */
const PARALLEL: Record<Method, number> = { smtp: 5, webhook: 10, inbox: 10 };

type Told = StoredNotification & {
  id: string;
  template: NotificationTemplate;
  content: Rendered;
  user: Addressee;
};

export type ChannelOptions = {
  store: NotificationStore;
  inbox: Pick<Inbox, "add">;
  /** Undefined without a mail server. */
  sendMail: SendMail | undefined;
  webhook: { url: string; secret: Buffer | undefined } | undefined;
  accessUrl: string;
  clock: Clock;
};

/** The ways in which notifications reach their users. None is used while notifications are paused. */
export function createNotificationChannels(options: ChannelOptions): Channel[] {
  const { store, inbox, sendMail, webhook, accessUrl, clock } = options;

  async function told({ id, payload }: LeasedDelivery): Promise<Told> {
    const stored = payload as StoredNotification;
    const template = templateById(stored.templateId);
    if (!template) throw new Error("This release does not know the notification's template.");
    // The user may have been deleted, or have another address by now.
    const user = await store.addressee(stored.userId);
    if (!user || user.deleted) throw new DeliveryRefused("The user was deleted.");
    return { ...stored, id, template, user, content: render(template, stored.labels, accessUrl) };
  }

  const channel = (name: Method, send: (message: Told, signal: AbortSignal) => Promise<void>): Channel => ({
    name,
    parallel: PARALLEL[name],
    paused: store.paused,
    send: async (message, signal) => send(await told(message), signal),
  });

  return [
    channel("inbox", async ({ id, userId, templateId, content, targets, template }) => {
      const { title, body, actions } = content;
      const { icon } = template;
      await inbox.add({ id, userId, templateId, title, content: body, icon, targets: [...targets], actions });
    }),
    ...(sendMail
      ? [
          channel("smtp", async ({ id, user, content, template }, signal) => {
            const { host, origin } = new URL(accessUrl);
            const stopUrl = template.onlyEmail
              ? undefined
              : `${origin}/settings/notifications?disabled=${template.id}`;
            const mail = writeMail(content, user, origin, stopUrl);
            await sendMail(mail, user, `<${id}@${host.replace(/[^a-zA-Z0-9.-]/g, "-")}>`, signal);
          }),
        ]
      : []),
    ...(webhook
      ? [
          channel("webhook", async (message, signal) => {
            const { url, secret } = webhook;
            await postWebhook({
              url,
              id: message.id,
              body: toBody(message),
              secret,
              now: clock.now(),
              signal,
            });
          }),
        ]
      : []),
  ];
}

/** As upstream's webhooks: receivers that people have keep working. */
function toBody({ id, userId, template, user, content, labels, targets }: Told) {
  return {
    _version: "1.1",
    msg_id: id,
    payload: {
      _version: "1.2",
      notification_name: template.name,
      notification_template_id: template.id,
      user_id: userId,
      user_email: user.email,
      user_name: user.name || user.username,
      user_username: user.username,
      actions: content.actions,
      labels,
      data: null,
      targets,
    },
    title: content.title,
    title_markdown: content.titleMarkdown,
    body: content.body,
    body_markdown: content.bodyMarkdown,
  };
}
