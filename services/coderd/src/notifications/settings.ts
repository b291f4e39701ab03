import type { ValuesOf } from "@fleet/base/settings";
import type { notificationSettings } from "../config-notifications.js";
import type { Method, MethodSettings } from "./notifier.js";
import type { SmtpSettings } from "./smtp.js";

type Settings = ValuesOf<typeof notificationSettings>;

/** The mail server; undefined if none is configured. */
export function smtpSettings(settings: Settings): SmtpSettings | undefined {
  const smarthost = settings.CODER_EMAIL_SMARTHOST;
  if (!smarthost) return undefined;
  return {
    smarthost,
    from: settings.CODER_EMAIL_FROM ?? "",
    hello: settings.CODER_EMAIL_HELLO,
    forceTls: settings.CODER_EMAIL_FORCE_TLS,
    startTls: settings.CODER_EMAIL_TLS_STARTTLS,
    serverName: settings.CODER_EMAIL_TLS_SERVERNAME,
    skipVerify: settings.CODER_EMAIL_TLS_SKIPVERIFY,
    caFile: settings.CODER_EMAIL_TLS_CACERTFILE,
    certFile: settings.CODER_EMAIL_TLS_CERTFILE,
    keyFile: settings.CODER_EMAIL_TLS_CERTKEYFILE,
    username: settings.CODER_EMAIL_AUTH_USERNAME,
    password: settings.CODER_EMAIL_AUTH_PASSWORD,
    passwordFile: settings.CODER_EMAIL_AUTH_PASSWORD_FILE,
    identity: settings.CODER_EMAIL_AUTH_IDENTITY,
  };
}

/** The webhook that notifications are posted to; undefined if none is configured. */
export function webhookSettings(settings: Settings): { url: string; secret: Buffer | undefined } | undefined {
  const url = settings.CODER_NOTIFICATIONS_WEBHOOK_ENDPOINT;
  return url ? { url, secret: settings.CODER_NOTIFICATIONS_WEBHOOK_SECRET } : undefined;
}

/** The methods that are configured. */
export function methodSettings(settings: Settings): MethodSettings {
  const available: Method[] = [
    ...(smtpSettings(settings) ? (["smtp"] as const) : []),
    ...(webhookSettings(settings) ? (["webhook"] as const) : []),
    ...(settings.CODER_NOTIFICATIONS_INBOX_ENABLED ? (["inbox"] as const) : []),
  ];
  return { available, default: settings.CODER_NOTIFICATIONS_METHOD };
}
