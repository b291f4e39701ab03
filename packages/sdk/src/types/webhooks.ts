import * as z from "zod";
import { Id, Label, list, maybeId, Name, Timestamp, Url } from "../wire.js";

/** A receiver of audit log entries. Empty lists and the absent ids do not restrict what it receives. */
export const Webhook = z.object({
  id: Id,
  name: z.string(),
  url: z.string(),
  resource_types: z.array(z.string()),
  actions: z.array(z.string()),
  organization_id: Id.nullable(),
  user_id: Id.nullable(),
  enabled: z.boolean(),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type Webhook = z.infer<typeof Webhook>;

const filter = {
  resource_types: list(Name, 100).optional(),
  actions: list(Name, 100).optional(),
  organization_id: maybeId,
  user_id: maybeId,
  enabled: z.boolean().optional(),
};

export const CreateWebhookRequest = z.object({ name: Label.min(1), url: Url.min(1), ...filter });

/** Omitted fields are unchanged; an empty id removes the restriction. */
export const UpdateWebhookRequest = z.object({
  name: Label.min(1).optional(),
  url: Url.min(1).optional(),
  ...filter,
  organization_id: z.union([Id, z.literal("")]).optional(),
  user_id: z.union([Id, z.literal("")]).optional(),
  /** Generates a new secret; the previous one stops working. */
  new_secret: z.boolean().optional(),
});

/** The secret that signs requests is only returned when it was generated; otherwise it is empty. */
export const WebhookWithSecret = z.object({ webhook: Webhook, secret: z.string() });

/** A message to a mail server or webhook. */
export const Delivery = z.object({
  id: Id,
  /** smtp, webhook, inbox, or audit-webhook followed by a colon and the webhook's id. */
  destination: z.string(),
  subject: z.string(),
  state: z.enum(["pending", "sent", "dead"]),
  attempts: z.number(),
  /** Why the last attempt failed. */
  reason: z.string(),
  next_attempt_at: Timestamp.nullable(),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type Delivery = z.infer<typeof Delivery>;
export const DeliveriesResponse = z.object({ deliveries: z.array(Delivery), count: z.number() });
