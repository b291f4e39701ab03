import type { Database } from "../database/client.js";
import type { Webhook } from "../database/gen/client.js";
import type { Dbcrypt } from "../dbcrypt/dbcrypt.js";

/** Which audit entries a webhook receives; an empty list or undefined does not restrict. */
export type WebhookFilter = {
  resourceTypes: string[];
  actions: string[];
  organizationId: string | null;
  userId: string | null;
};

export type WebhookRow = Omit<Webhook, "secret">;
export type WebhookValues = WebhookFilter & { name: string; url: string; enabled: boolean };
/** Where a message goes, read when it is sent. */
export type WebhookTarget = { url: string; enabled: boolean; secret: Buffer };

/** Storage of webhooks. */
export type WebhookStore = {
  list(): Promise<WebhookRow[]>;
  count(): Promise<number>;
  find(id: string): Promise<WebhookRow | null>;
  /** Undefined if the webhook was deleted. */
  target(id: string): Promise<WebhookTarget | undefined>;
  /** Enabled webhooks whose filter matches the entry. */
  matching(entry: {
    resourceType: string;
    action: string;
    organizationId: string | undefined;
    userId: string | undefined;
  }): Promise<{ id: string; name: string }[]>;
  insert(values: WebhookValues, secret: Uint8Array): Promise<WebhookRow>;
  update(id: string, values: WebhookValues, secret: Uint8Array | undefined): Promise<WebhookRow>;
  /** Deletes the webhook and what was not sent to it. */
  delete(id: string, destination: string): Promise<void>;
};

const PLACE = "webhooks.secret";

export function createWebhookStore(db: Database, crypt: Dbcrypt): WebhookStore {
  const omit = { secret: true } as const;
  return {
    list: () => db.webhook.findMany({ omit, orderBy: [{ name: "asc" }, { id: "asc" }] }),
    count: () => db.webhook.count(),
    find: (id) => db.webhook.findUnique({ where: { id }, omit }),

    async target(id) {
      const row = await db.webhook.findUnique({
        where: { id },
        select: { url: true, enabled: true, secret: true },
      });
      return row ? { ...row, secret: Buffer.from(crypt.open(row.secret, PLACE)) } : undefined;
    },

    matching: ({ resourceType, action, organizationId, userId }) =>
      db.webhook.findMany({
        where: {
          enabled: true,
          AND: [
            { OR: [{ resourceTypes: { isEmpty: true } }, { resourceTypes: { has: resourceType } }] },
            { OR: [{ actions: { isEmpty: true } }, { actions: { has: action } }] },
            { OR: [{ organizationId: null }, ...(organizationId ? [{ organizationId }] : [])] },
            { OR: [{ userId: null }, ...(userId ? [{ userId }] : [])] },
          ],
        },
        select: { id: true, name: true },
      }),

    insert: (values, secret) =>
      db.webhook.create({ data: { ...values, secret: crypt.seal(secret, PLACE) }, omit }),

    update: (id, values, secret) =>
      db.webhook.update({
        where: { id },
        data: { ...values, ...(secret ? { secret: crypt.seal(secret, PLACE) } : {}) },
        omit,
      }),

    async delete(id, destination) {
      await db.webhook.deleteMany({ where: { id } });
      await db.delivery.deleteMany({ where: { destination } });
    },
  };
}
