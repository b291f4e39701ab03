import { boolean, choice, duration, integer, parsed, text, url } from "@fleet/base/settings";
import { parseWebhookSecret } from "./deliveries/webhook.js";

/** Settings of notifications, under upstream's names where it has them. */
export const notificationSettings = {
  CODER_NOTIFICATIONS_METHOD: choice({
    values: ["smtp", "webhook"],
    default: "smtp",
    help: "How notifications are sent, besides the inbox: by email, if CODER_EMAIL_SMARTHOST is set, or to CODER_NOTIFICATIONS_WEBHOOK_ENDPOINT",
  }),
  CODER_NOTIFICATIONS_INBOX_ENABLED: boolean({
    default: "true",
    help: "Show notifications in users' inboxes",
  }),
  CODER_NOTIFICATIONS_WEBHOOK_ENDPOINT: url({
    schemes: ["http", "https"],
    help: "URL that notifications are posted to; redirects are not followed",
  }),
  CODER_NOTIFICATIONS_WEBHOOK_SECRET: parsed({
    type: "string",
    secret: true,
    parse: parseWebhookSecret,
    help: "Secret that signs notifications to the webhook as in Standard Webhooks: whsec_ followed by base64",
  }),
  CODER_EMAIL_FROM: text({ help: "Sender of emails, for example Coder <coder@example.com>" }),
  CODER_EMAIL_SMARTHOST: text({ type: "host:port", help: "Mail server (SMTP) that emails are sent through" }),
  CODER_EMAIL_HELLO: text({
    default: "localhost",
    help: "Hostname that coderd identifies itself to the mail server with",
  }),
  CODER_EMAIL_FORCE_TLS: boolean({
    default: "false",
    help: "Connect to the mail server with TLS; always on for port 465",
  }),
  CODER_EMAIL_TLS_STARTTLS: boolean({
    default: "false",
    help: "Upgrade the connection to the mail server with STARTTLS, and send nothing if that fails",
  }),
  CODER_EMAIL_TLS_SERVERNAME: text({
    help: "Name in the mail server's certificate, if it is not its hostname",
  }),
  CODER_EMAIL_TLS_SKIPVERIFY: boolean({
    default: "false",
    help: "Do not verify the mail server's certificate (insecure)",
  }),
  CODER_EMAIL_TLS_CACERTFILE: text({
    type: "path",
    help: "PEM certificates of authorities that the mail server's certificate may come from",
  }),
  CODER_EMAIL_TLS_CERTFILE: text({ type: "path", help: "PEM client certificate for the mail server" }),
  CODER_EMAIL_TLS_CERTKEYFILE: text({ type: "path", help: "PEM key of the client certificate" }),
  CODER_EMAIL_AUTH_USERNAME: text({ help: "Username at the mail server" }),
  CODER_EMAIL_AUTH_PASSWORD: text({ secret: true, help: "Password at the mail server" }),
  CODER_EMAIL_AUTH_PASSWORD_FILE: text({
    type: "path",
    help: "File of the password at the mail server; read for each email",
  }),
  CODER_EMAIL_AUTH_IDENTITY: text({ help: "Authorization identity at the mail server, for SASL PLAIN" }),
  CODER_NOTIFICATIONS_MAX_SEND_ATTEMPTS: integer({
    min: 1,
    max: 100,
    default: "5",
    help: "How often a notification or webhook message is tried before it is listed as dead",
  }),
  CODER_NOTIFICATIONS_RETRY_INTERVAL: duration({
    default: "5m",
    help: "Pause before a failed message is sent again; doubled after each further attempt, up to 6h",
  }),
  CODER_NOTIFICATIONS_FETCH_INTERVAL: duration({
    default: "15s",
    help: "How often each replica looks for messages to send",
  }),
  CODER_NOTIFICATIONS_LEASE_PERIOD: duration({
    default: "2m",
    help: "How long a replica may hold a message; if it stops meanwhile, another one sends the message after that. Must be longer than the dispatch timeout",
  }),
  CODER_NOTIFICATIONS_LEASE_COUNT: integer({
    min: 1,
    max: 1000,
    default: "20",
    help: "Number of messages that a replica takes from the queue at once",
  }),
  CODER_NOTIFICATIONS_DISPATCH_TIMEOUT: duration({
    default: "1m",
    help: "Time limit of an attempt to send a message",
  }),
  CODER_NOTIFICATIONS_STORE_SYNC_INTERVAL: duration({
    default: "2s",
    help: "How often results that could not be stored in Postgres are tried again",
  }),
  CODER_NOTIFICATIONS_STORE_SYNC_BUFFER_SIZE: integer({
    min: 1,
    max: 10_000,
    default: "50",
    help: "Number of results that may wait to be stored in Postgres before a replica stops sending",
  }),
};
