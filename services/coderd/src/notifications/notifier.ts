import type { Transaction } from "../database/transaction.js";
import type { Deliveries } from "../deliveries/service.js";
import type { NewDelivery } from "../deliveries/store.js";
import { cleanLabels, type Labels } from "./render.js";
import type { Audience, NotificationStore, RecipientRow } from "./store.js";
import { type EventName, type NotificationTemplate, templateOf } from "./templates.js";

/** Something that users are told of. */
export type Notification = {
  event: EventName;
  to: Audience;
  labels: Labels;
  /** Labels that may have several lines. */
  lines?: readonly string[];
  /** Ids of what it is about: users can filter their inbox by them. */
  targets?: readonly string[];
  /** Identifies the occurrence, for example by the build's id: it is only told once. */
  occurrence?: string | undefined;
  expiresAt?: Date | undefined;
};

/** The form in which notifications wait to be sent. */
export type StoredNotification = {
  userId: string;
  templateId: string;
  labels: Labels;
  targets: readonly string[];
};

export const METHODS = ["smtp", "webhook", "inbox"] as const;
export type Method = (typeof METHODS)[number];

/** How this deployment can send notifications. */
export type MethodSettings = {
  /** Those that are configured. */
  available: readonly Method[];
  /** The one besides the inbox, unless an administrator set another one for the template. */
  default: Method;
};

/**
 * Stores notifications for everybody concerned, in the unit of work or transaction of what they tell: if that is rolled
 * back, nobody is told of it.
 */
export type Notifier = {
  notify(notifications: readonly Notification[], tx?: Transaction): Promise<void>;
  /** The user's name, for labels; empty if unknown. */
  username(userId: string, tx?: Transaction): Promise<string>;
};

export function createNotifier({
  store,
  deliveries,
  methods,
}: {
  store: NotificationStore;
  deliveries: Pick<Deliveries, "enqueue">;
  methods: MethodSettings;
}): Notifier {
  const usable = (method: string | undefined): method is Method =>
    methods.available.includes(method as Method);

  const recipientsOf = (event: EventName, to: Audience, tx: Transaction | undefined) => {
    const { id, offByDefault = false, onlyEmail = false, toSuspended = false } = templateOf(event);
    return store.recipients(to, { id, offByDefault, toSuspended, always: onlyEmail }, tx);
  };

  /** The recipients of each notification. Those that name users take one statement for each event. */
  async function withRecipients(notifications: readonly Notification[], tx: Transaction | undefined) {
    const named = new Map<EventName, Map<string, RecipientRow>>();
    for (const [event, group] of Map.groupBy(notifications, ({ event }) => event)) {
      const users = [...new Set(group.flatMap(({ to }) => ("users" in to ? to.users : [])))];
      const rows = users.length > 0 ? await recipientsOf(event, { users }, tx) : [];
      named.set(event, new Map(rows.map((row) => [row.id, row])));
    }
    const all: { notification: Notification; recipients: RecipientRow[] }[] = [];
    for (const notification of notifications) {
      const { event, to } = notification;
      const recipients =
        "users" in to
          ? to.users.flatMap((id) => named.get(event)!.get(id) ?? [])
          : await recipientsOf(event, to, tx);
      all.push({ notification, recipients });
    }
    return all;
  }

  function deliveriesOf(
    { event, labels, lines, targets = [], occurrence, expiresAt }: Notification,
    recipients: readonly RecipientRow[],
    overrides: ReadonlyMap<string, string>,
  ): NewDelivery[] {
    const template: NotificationTemplate = templateOf(event);
    const { id: templateId, onlyEmail, inboxByDefault } = template;
    const byDefault = inboxByDefault ? "inbox" : methods.default;
    const clean = cleanLabels(labels, lines);
    return recipients.flatMap(({ id: userId, username, hasEmail }) => {
      const chosen: readonly string[] = onlyEmail
        ? ["smtp"]
        : ["inbox", overrides.get(templateId) ?? byDefault];
      const reached = [...new Set(chosen)].filter((method) => method !== "smtp" || hasEmail).filter(usable);
      return reached.map((method) => ({
        destination: method,
        subject: `${template.name} (${username})`,
        payload: { userId, templateId, labels: clean, targets } satisfies StoredNotification,
        dedupeKey: occurrence && `${templateId}:${occurrence}:${userId}:${method}`,
        expiresAt,
      }));
    });
  }

  return {
    async notify(notifications, tx) {
      if (notifications.length === 0) return;
      const overrides = await store.methods(tx);
      const all = await withRecipients(notifications, tx);
      const found = all.flatMap(({ notification, recipients }) =>
        deliveriesOf(notification, recipients, overrides),
      );
      await deliveries.enqueue(found, tx);
    },
    username: store.username,
  };
}
