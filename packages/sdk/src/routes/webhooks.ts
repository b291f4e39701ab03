import * as z from "zod";
import { route } from "../route.js";
import {
  CreateWebhookRequest,
  DeliveriesResponse,
  UpdateWebhookRequest,
  Webhook,
  WebhookWithSecret,
} from "../types/index.js";
import { Id, INT4_MAX, Label, list, queryInt } from "../wire.js";

export const webhookRoutes = {
  webhookList: route({
    method: "GET",
    path: "/api/v2/webhooks",
    summary: "List the webhooks that receive audit log entries.",
    access: { resource: "deployment_config", action: "read" },
    response: z.array(Webhook),
  }),
  webhookCreate: route({
    method: "POST",
    path: "/api/v2/webhooks",
    summary: "Create a webhook that receives audit log entries. Returns the secret that signs requests.",
    access: { resource: "deployment_config", action: "update" },
    status: 201,
    body: CreateWebhookRequest,
    response: WebhookWithSecret,
  }),
  webhookGet: route({
    method: "GET",
    path: "/api/v2/webhooks/:webhook",
    summary: "Get a webhook.",
    access: { resource: "deployment_config", action: "read" },
    response: Webhook,
  }),
  webhookUpdate: route({
    method: "PATCH",
    path: "/api/v2/webhooks/:webhook",
    summary: "Update a webhook, or generate a new secret for it.",
    access: { resource: "deployment_config", action: "update" },
    body: UpdateWebhookRequest,
    response: WebhookWithSecret,
  }),
  webhookDelete: route({
    method: "DELETE",
    path: "/api/v2/webhooks/:webhook",
    summary: "Delete a webhook and the messages that were not sent to it.",
    access: { resource: "deployment_config", action: "update" },
    status: 204,
  }),
  deliveryList: route({
    method: "GET",
    path: "/api/v2/deliveries",
    summary: "List messages to mail servers and webhooks, newest first; dead ones were not delivered.",
    access: { resource: "notification_message", action: "read" },
    query: z.object({
      state: z.enum(["pending", "sent", "dead"]).optional(),
      destination: Label.optional(),
      limit: queryInt(0, INT4_MAX).optional(),
      offset: queryInt(0, INT4_MAX).optional(),
    }),
    response: DeliveriesResponse,
  }),
  deliveryRetry: route({
    method: "POST",
    path: "/api/v2/deliveries/retry",
    summary: "Send dead messages again: those with the given ids, or all of them.",
    access: { resource: "notification_message", action: "update" },
    body: z.object({ ids: list(Id).optional() }),
    response: z.object({ retried: z.number() }),
  }),
};
