import { createHmac } from "node:crypto";
import { FleetError } from "@fleet/base";

/** A request to an operator's receiver. */
export type WebhookRequest = {
  url: string;
  /** The message's id: the same on every attempt, so that the receiver can drop repeats. */
  id: string;
  body: unknown;
  /** Signs the request, if there is one. */
  secret?: Buffer | undefined;
  now: Date;
  signal: AbortSignal;
};

const SECRET_PREFIX = "whsec_";
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;

/**
 * Posts JSON, with the headers of Standard Webhooks (https://www.standardwebhooks.com): `webhook-id`,
 * `webhook-timestamp` and, with a secret, `webhook-signature`. Redirects are not followed, and the response's body is
 * not read.
 * @throws an error that names the status, unless it is 2xx.
 */
export async function postWebhook({ url, id, body, secret, now, signal }: WebhookRequest): Promise<void> {
  const text = JSON.stringify(body);
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  const response = await fetch(url, {
    method: "POST",
    body: text,
    headers: {
      "content-type": "application/json",
      "user-agent": "coder-webhook",
      "webhook-id": id,
      "webhook-timestamp": timestamp,
      ...(secret ? { "webhook-signature": signatureOf(secret, id, timestamp, text) } : {}),
    },
    redirect: "manual",
    signal,
  });
  await response.body?.cancel().catch(() => {});
  if (response.ok) return;
  const redirected = response.status >= 300 && response.status < 400;
  const why = redirected ? "redirects, which are not followed" : "responded";
  throw new Error(`The webhook ${why} with ${response.status} ${response.statusText}`.trimEnd());
}

function signatureOf(secret: Buffer, id: string, timestamp: string, body: string): string {
  return `v1,${createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
}

/**
 * The bytes of a secret: base64 with the prefix `whsec_` as in Standard Webhooks.
 * @throws a sentence for anything else.
 */
export function parseWebhookSecret(text: string): Buffer {
  const bytes = Buffer.from(text.startsWith(SECRET_PREFIX) ? text.slice(SECRET_PREFIX.length) : "", "base64");
  if (bytes.length >= MIN_SECRET_BYTES && bytes.length <= MAX_SECRET_BYTES) return bytes;
  throw new FleetError(
    "invalid_argument",
    `must be ${SECRET_PREFIX} followed by the base64 of ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} random bytes, as printed by: echo ${SECRET_PREFIX}$(openssl rand -base64 32)`,
  );
}

/** The written form of a secret. */
export function formatWebhookSecret(bytes: Uint8Array): string {
  return `${SECRET_PREFIX}${Buffer.from(bytes).toString("base64")}`;
}
