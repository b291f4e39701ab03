import type { Delivery, Webhook } from "@fleet/sdk";
import type { Deliveries } from "../../deliveries/service.js";
import type { DeliveryState } from "../../deliveries/status.js";
import type { DeliveryRow } from "../../deliveries/store.js";
import type { Webhooks } from "../../webhooks/service.js";
import type { WebhookRow } from "../../webhooks/store.js";
import type { Handlers } from "../handler.js";

export function createWebhookHandlers({
  webhooks,
  deliveries,
}: {
  webhooks: Webhooks;
  deliveries: Deliveries;
}) {
  return {
    webhookList: async ({ actor }) => (await webhooks.list(actor)).map(toWebhook),
    webhookGet: async ({ actor, params }) => toWebhook(await webhooks.get(actor, params.webhook)),
    webhookCreate: async ({ actor, body }) => {
      const { webhook, secret } = await webhooks.create(actor, {
        name: body.name,
        url: body.url,
        resourceTypes: body.resource_types ?? [],
        actions: body.actions ?? [],
        organizationId: body.organization_id ?? null,
        userId: body.user_id ?? null,
        enabled: body.enabled ?? true,
      });
      return { webhook: toWebhook(webhook), secret };
    },
    webhookUpdate: async ({ actor, params, body }) => {
      const { name, url, actions, enabled } = body;
      const changes = {
        ...(name === undefined ? {} : { name }),
        ...(url === undefined ? {} : { url }),
        ...(body.resource_types === undefined ? {} : { resourceTypes: body.resource_types }),
        ...(actions === undefined ? {} : { actions }),
        ...(body.organization_id === undefined ? {} : { organizationId: body.organization_id || null }),
        ...(body.user_id === undefined ? {} : { userId: body.user_id || null }),
        ...(enabled === undefined ? {} : { enabled }),
      };
      const updated = await webhooks.update(actor, params.webhook, changes, body.new_secret ?? false);
      return { webhook: toWebhook(updated.webhook), secret: updated.secret };
    },
    webhookDelete: async ({ actor, params }) => {
      await webhooks.delete(actor, params.webhook);
      return undefined;
    },
    deliveryList: async ({ actor, query }) => {
      const { rows, count } = await deliveries.list(actor, query, query);
      return { deliveries: rows.map(toDelivery), count };
    },
    deliveryRetry: async ({ actor, body }) => ({ retried: await deliveries.retry(actor, body.ids) }),
  } satisfies Partial<Handlers>;
}

function toWebhook(row: WebhookRow): Webhook {
  return {
    id: row.id,
    name: row.name,
    url: row.url,
    resource_types: row.resourceTypes,
    actions: row.actions,
    organization_id: row.organizationId,
    user_id: row.userId,
    enabled: row.enabled,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}

function toDelivery(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    destination: row.destination,
    subject: row.subject,
    state: row.state as DeliveryState,
    attempts: row.attempts,
    reason: row.reason,
    next_attempt_at: row.state === "pending" ? row.dueAt.toISOString() : null,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}
