import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { abortError, FleetError, parseAddress } from "@fleet/base";
import parseMailAddresses from "nodemailer/lib/addressparser";
import MailComposer from "nodemailer/lib/mail-composer";
import SMTPConnection, { type SMTPConnectionOptions } from "nodemailer/lib/smtp-connection";
import { DeliveryRefused } from "../deliveries/dispatcher.js";
import type { Mail, Recipient } from "./mail.js";

export type SmtpSettings = {
  from: string;
  /** host:port of the mail server. */
  smarthost: string;
  hello: string;
  forceTls: boolean;
  startTls: boolean;
  serverName: string | undefined;
  skipVerify: boolean;
  caFile: string | undefined;
  certFile: string | undefined;
  keyFile: string | undefined;
  username: string | undefined;
  password: string | undefined;
  passwordFile: string | undefined;
  /** Authorization identity of SASL PLAIN. */
  identity: string | undefined;
};

/** Sends a mail with this Message-ID; a refused recipient is a DeliveryRefused. */
export type SendMail = (mail: Mail, to: Recipient, messageId: string, signal: AbortSignal) => Promise<void>;

const SMTPS_PORT = 465;
/** Longest response of a mail server, in bytes. */
const MAX_RESPONSE = 64 * 1_024;

/** Reads files of certificates and passwords for each mail, so that they can be replaced. */
export function createMailer(settings: SmtpSettings): SendMail {
  const { host, port } = parseAddress(settings.smarthost);
  const [from] = parseMailAddresses(settings.from, { flatten: true });
  if (!from?.address.includes("@")) {
    throw new FleetError(
      "invalid_argument",
      "CODER_EMAIL_FROM must be an email address, optionally with a name.",
    );
  }
  const encrypted = settings.forceTls || port === SMTPS_PORT;
  if (settings.username && !encrypted && !settings.startTls && !isLoopback(host)) {
    throw new FleetError(
      "invalid_argument",
      "CODER_EMAIL_AUTH_USERNAME requires an encrypted connection: set CODER_EMAIL_TLS_STARTTLS or CODER_EMAIL_FORCE_TLS.",
    );
  }

  const connectionOptions = (timeoutMs: number): SMTPConnectionOptions => ({
    host,
    port,
    name: settings.hello,
    secure: encrypted,
    requireTLS: !encrypted && settings.startTls,
    ignoreTLS: !encrypted && !settings.startTls,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    socketCloseTimeout: 0,
    maxResponseSize: MAX_RESPONSE,
    allowInternalNetworkInterfaces: true,
    tls: {
      servername: settings.serverName ?? (isIP(host) ? "" : host),
      rejectUnauthorized: !settings.skipVerify,
      minVersion: "TLSv1.2",
      ...(settings.caFile ? { ca: readFileSync(settings.caFile) } : {}),
      ...(settings.certFile ? { cert: readFileSync(settings.certFile) } : {}),
      ...(settings.keyFile ? { key: readFileSync(settings.keyFile) } : {}),
    },
    ...(settings.identity ? { customAuth: { PLAIN: plainWithIdentity(settings.identity) } } : {}),
  });

  async function send(
    connection: SMTPConnection,
    mail: Mail,
    to: Recipient,
    messageId: string,
  ): Promise<void> {
    await called((done) => connection.connect((error) => done(error)));
    const user = settings.username;
    if (user) {
      const pass = settings.passwordFile
        ? readFileSync(settings.passwordFile, "utf8").trimEnd()
        : (settings.password ?? "");
      const method = settings.identity ? { method: "PLAIN" } : {};
      await called((done) => connection.login({ user, pass, ...method }, (error) => done(error)));
    }
    const message = new MailComposer({
      from: { name: from!.name ?? "", address: from!.address },
      to: { name: to.name || to.username, address: to.email },
      subject: mail.subject,
      text: mail.text,
      html: mail.html,
      headers: mail.headers,
      messageId,
      disableFileAccess: true,
      disableUrlAccess: true,
    }).compile();
    const raw = await message.build();
    const envelope = { from: from!.address, to: [to.email] };
    await called((done) => connection.send(envelope, raw, (error) => done(error)));
  }

  return async (mail, to, messageId, signal) => {
    signal.throwIfAborted();
    if (!isPlainAddress(to.email))
      throw new DeliveryRefused(
        to.email === "" ? "The user has no email address." : "The email address is invalid.",
      );
    const connection = new SMTPConnection(connectionOptions(10 * 60_000));
    const { promise: failed, reject } = Promise.withResolvers<never>();
    failed.catch(() => {});
    connection.on("error", reject);
    const onAbort = () => reject(abortError(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await Promise.race([send(connection, mail, to, messageId), failed]);
    } catch (error) {
      throw refusesRecipient(error) ? new DeliveryRefused((error as Error).message, { cause: error }) : error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      connection.close();
    }
  };
}

function called(call: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())));
}

/** 5xx in response to RCPT TO: the mail server does not know the recipient, or never accepts it. */
function refusesRecipient(error: unknown): boolean {
  const { responseCode, command } = error as { responseCode?: number; command?: string };
  return command?.startsWith("RCPT") === true && responseCode !== undefined && responseCode >= 500;
}

/** One address and nothing else: no list, comment or line break. */
function isPlainAddress(email: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  return /^[^\s\u0000-\u001f\u007f<>()[\],;:\\"@]+@[^\s\u0000-\u001f\u007f<>()[\],;:\\"@]+$/.test(email);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

type CustomAuth = NonNullable<SMTPConnectionOptions["customAuth"]>[string];

function plainWithIdentity(identity: string): CustomAuth {
  return async (context) => {
    const { user, pass } = context.auth.credentials;
    const response = Buffer.from(`${identity}\0${user}\0${pass}`).toString("base64");
    const { status, text } = await context.sendCommand(`AUTH PLAIN ${response}`);
    if (status < 200 || status >= 300) throw new Error(`Invalid login: ${status} ${text}`);
  };
}
