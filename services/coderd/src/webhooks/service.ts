import { randomBytes } from "node:crypto";
import { type Clock, FleetError } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { type Channel, DeliveryRefused } from "../deliveries/dispatcher.js";
import type { Deliveries } from "../deliveries/service.js";
import { formatWebhookSecret, postWebhook } from "../deliveries/webhook.js";
import type { WebhookRow, WebhookStore, WebhookValues } from "./store.js";

/** An entry of the audit log as webhooks receive it. */
export type AuditMessage = {
  id: string;
  time: Date;
  userId: string | undefined;
  organizationId: string | undefined;
  ip: string;
  userAgent: string;
  requestId: string;
  resourceType: string;
  resourceId: string;
  resourceTarget: string;
  action: string;
  statusCode: number;
  diff: unknown;
  additionalFields: unknown;
};

/** Webhooks that receive entries of the audit log. */
export type Webhooks = {
  list(actor: Actor): Promise<WebhookRow[]>;
  /** @throws not_found. */
  get(actor: Actor, id: string): Promise<WebhookRow>;
  /** The secret is only returned here. */
  create(actor: Actor, values: WebhookValues): Promise<{ webhook: WebhookRow; secret: string }>;
  /** With `newSecret`, the previous secret stops working at once. */
  update(
    actor: Actor,
    id: string,
    values: Partial<WebhookValues>,
    newSecret: boolean,
  ): Promise<{ webhook: WebhookRow; secret: string }>;
  /** Deletes the webhook and what was not sent to it. */
  delete(actor: Actor, id: string): Promise<void>;
  /** Stores a message for each webhook that receives the entry, in the transaction that writes the entry. */
  publish(entry: AuditMessage): Promise<void>;
  readonly channel: Channel;
};

const CHANNEL = "audit-webhook";
/** Each entry is matched with all of them. */
const MAX_WEBHOOKS = 100;
const PARALLEL = 5;
const SECRET_BYTES = 32;

const destinationOf = (id: string) => `${CHANNEL}:${id}`;

export function createWebhooks({
  store,
  deliveries,
  clock,
}: {
  store: WebhookStore;
  deliveries: Pick<Deliveries, "enqueue">;
  clock: Clock;
}): Webhooks {
  function require(actor: Actor, action: "read" | "update"): void {
    requireUser(actor);
    authorizer.require(actor, action, { type: "deployment_config" }, new WebhookNotFound());
  }

  async function find(id: string): Promise<WebhookRow> {
    const row = await store.find(id);
    if (!row) throw new WebhookNotFound();
    return row;
  }

  return {
    async list(actor) {
      require(actor, "read");
      return store.list();
    },
    async get(actor, id) {
      require(actor, "read");
      return find(id);
    },
    async create(actor, values) {
      require(actor, "update");
      checkUrl(values.url);
      if ((await store.count()) >= MAX_WEBHOOKS) {
        throw new FleetError(
          "failed_precondition",
          `A deployment can have at most ${MAX_WEBHOOKS} webhooks. Delete one first.`,
        );
      }
      const secret = randomBytes(SECRET_BYTES);
      return { webhook: await store.insert(values, secret), secret: formatWebhookSecret(secret) };
    },
    async update(actor, id, changes, newSecret) {
      require(actor, "update");
      const { createdAt: _, updatedAt: __, id: ___, ...before } = await find(id);
      const values = { ...before, ...changes };
      checkUrl(values.url);
      const secret = newSecret ? randomBytes(SECRET_BYTES) : undefined;
      const webhook = await store.update(id, values, secret);
      return { webhook, secret: secret ? formatWebhookSecret(secret) : "" };
    },
    async delete(actor, id) {
      require(actor, "update");
      await find(id);
      await store.delete(id, destinationOf(id));
    },

    async publish(entry) {
      const receivers = await store.matching(entry);
      await deliveries.enqueue(
        receivers.map(({ id }) => ({
          destination: destinationOf(id),
          subject: `${entry.action} ${entry.resourceType}`,
          payload: { type: "audit_log", timestamp: entry.time.toISOString(), data: toData(entry) },
          dedupeKey: `${CHANNEL}:${id}:${entry.id}`,
        })),
      );
    },

    channel: {
      name: CHANNEL,
      parallel: PARALLEL,
      async send({ destination, payload }, signal) {
        const target = await store.target(destination.slice(CHANNEL.length + 1));
        if (!target) throw new DeliveryRefused("The webhook was deleted.");
        if (!target.enabled) throw new Error("The webhook is disabled.");
        const { data } = payload as { data: { id: string } };
        const { url, secret } = target;
        await postWebhook({ url, id: data.id, body: payload, secret, now: clock.now(), signal });
      },
    },
  };
}

function toData({ time, ...entry }: AuditMessage) {
  return {
    id: entry.id,
    time: time.toISOString(),
    user_id: entry.userId ?? null,
    organization_id: entry.organizationId ?? null,
    ip: entry.ip,
    user_agent: entry.userAgent,
    request_id: entry.requestId,
    resource_type: entry.resourceType,
    resource_id: entry.resourceId,
    resource_target: entry.resourceTarget,
    action: entry.action,
    status_code: entry.statusCode,
    diff: entry.diff,
    additional_fields: entry.additionalFields,
  };
}

function checkUrl(url: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const detail =
    !parsed || !["http:", "https:"].includes(parsed.protocol)
      ? "Must be an http:// or https:// URL."
      : parsed.username || parsed.password
        ? "Must not contain a user name or password: requests are signed instead."
        : undefined;
  if (detail) throw new FleetError("invalid_argument", detail, { validations: [{ field: "url", detail }] });
}

export class WebhookNotFound extends FleetError {
  constructor() {
    super("not_found", "Webhook not found, or you do not have access to it.");
  }
}
