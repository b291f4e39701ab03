import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type MailServer, startMailServer, waitFor } from "@fleet/testkit";
import { chromium } from "playwright-core";
import { Webhook } from "standardwebhooks";
import { type Fleet, startFleet } from "../harness/fleet.js";

const CHROMIUM = process.env.E2E_CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
];
const SECRET = `whsec_${Buffer.alloc(32, 5).toString("base64")}`;
const NEW_PASSWORD = "Better-horse-2";
const LIMIT_MS = 120_000;

type Received = { headers: IncomingHttpHeaders; text: string };

/** A receiver of webhooks; `respond` decides about each request. */
async function startReceiver() {
  const received: Received[] = [];
  let respond: (response: ServerResponse) => void | Promise<void> = (response) =>
    void response.writeHead(204).end();
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    received.push({ headers: request.headers, text });
    await respond(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    received,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    onRequest(next: typeof respond) {
      respond = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The message, if its signature is right; throws otherwise. */
function verified({ headers, text }: Received, secret: string): unknown {
  const named = Object.fromEntries(
    ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => [name, String(headers[name])]),
  );
  return new Webhook(secret).verify(text, named);
}

let folder: string;
let mail: MailServer;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let fleet: Fleet;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mail-e2e-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const request = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "1",
  ];
  const name = ["-subj", "/CN=mail.test", "-addext", "subjectAltName=IP:127.0.0.1,DNS:mail.test"];
  execFileSync("openssl", [...request, ...name, "-keyout", key, "-out", cert], { stdio: "ignore" });
  const tls = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  mail = await startMailServer({ tls, login: { user: "coder", password: "mail password" } });
  receiver = await startReceiver();
  fleet = await startFleet({
    env: {
      CODER_EMAIL_FROM: "Coder <coder@example.com>",
      CODER_EMAIL_SMARTHOST: mail.address,
      CODER_EMAIL_TLS_STARTTLS: "true",
      CODER_EMAIL_TLS_CACERTFILE: cert,
      CODER_EMAIL_TLS_SERVERNAME: "mail.test",
      CODER_EMAIL_AUTH_USERNAME: "coder",
      CODER_EMAIL_AUTH_PASSWORD: "mail password",
      CODER_NOTIFICATIONS_WEBHOOK_ENDPOINT: receiver.url,
      CODER_NOTIFICATIONS_WEBHOOK_SECRET: SECRET,
      CODER_NOTIFICATIONS_FETCH_INTERVAL: "1s",
      CODER_NOTIFICATIONS_LEASE_PERIOD: "6s",
      CODER_NOTIFICATIONS_DISPATCH_TIMEOUT: "5s",
      CODER_NOTIFICATIONS_RETRY_INTERVAL: "1s",
    },
  });
}, LIMIT_MS);

afterAll(async () => {
  await fleet?.[Symbol.asyncDispose]();
  await receiver?.close();
  await mail?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
}, LIMIT_MS);

test(
  "a forgotten password is replaced with the link of an email, in a browser",
  async () => {
    const ana = { email: "ana@example.com", username: "ana", password: "Forgotten-horse-1" };
    await fleet.client.userCreate({ body: ana });
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    try {
      const page = await browser.newPage();
      await page.goto(`${fleet.url}/login`);
      await page.getByRole("link", { name: "Forgot password?" }).click();
      await page.getByRole("heading", { name: "Reset your password" }).waitFor();
      await page.getByLabel("Email").fill(ana.email);
      await page.getByRole("button", { name: "Send link" }).click();
      await page.getByRole("heading", { name: "Check your email" }).waitFor();

      const sent = await waitFor(() => mail.mails.find(({ to }) => to[0] === ana.email), {
        what: "the mail",
      });
      expect(sent).toMatchObject({ secure: true, user: "coder", from: "coder@example.com" });
      const link = new RegExp(`${fleet.url}/reset-password/change\\?\\S+`).exec(sent.email.text!)![0];
      await page.goto(link);
      await page.getByLabel("New password").fill(NEW_PASSWORD);
      await page.getByLabel("Repeat the password").fill(NEW_PASSWORD);
      await page.getByRole("button", { name: "Set password" }).click();
      await page.getByRole("link", { name: "Sign in" }).click();
      await page.getByLabel("Email").fill(ana.email);
      await page.getByLabel("Password", { exact: true }).fill(NEW_PASSWORD);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.waitForURL(`${fleet.url}/workspaces`);

      // The link works once.
      await page.context().clearCookies();
      await page.goto(link);
      await page.getByLabel("New password").fill(`${NEW_PASSWORD}-x`);
      await page.getByLabel("Repeat the password").fill(`${NEW_PASSWORD}-x`);
      await page.getByRole("button", { name: "Set password" }).click();
      await page.getByText("The link is not valid or has expired.").waitFor();
    } finally {
      await browser.close();
    }
  },
  LIMIT_MS,
);

test(
  "notifications reach the mailbox or the signed webhook, as an administrator decides, and wait while paused",
  async () => {
    const before = mail.mails.length;
    expect((await fleet.coder(["notifications", "test"])).code).toBe(0);
    const tests = () => mail.mails.slice(before).filter(({ email }) => email.subject === "Test notification");
    await waitFor(() => tests().length === 1, { what: "the mail" });
    expect(tests()[0]!.email.text).toContain("Notifications are working.");

    const [template] = (await fleet.client.notificationTemplatesSystem()).filter(
      ({ name }) => name === "Test Notification",
    );
    await fleet.client.notificationTemplateMethodUpdate({
      params: { notificationTemplate: template!.id },
      body: { method: "webhook" },
    });
    expect((await fleet.coder(["notifications", "pause"])).code).toBe(0);
    expect((await fleet.coder(["notifications", "test"])).code).toBe(0);
    const waiting = await fleet.client.deliveryList({ query: { state: "pending" } });
    expect(waiting.deliveries.map(({ destination }) => destination).sort()).toEqual(["inbox", "webhook"]);
    expect((await fleet.coder(["notifications", "resume"])).code).toBe(0);
    await waitFor(() => receiver.received.length === 1, { what: "the webhook" });
    expect(verified(receiver.received[0]!, SECRET)).toMatchObject({
      _version: "1.1",
      title: "Test notification",
      payload: { notification_name: "Test Notification", user_username: "owner" },
    });
    expect(tests()).toHaveLength(1);
  },
  LIMIT_MS,
);

test(
  "an audit entry reaches its webhook though coderd is killed before it knows that, and at most twice",
  async () => {
    const created = await fleet.coder([
      "webhooks",
      "create",
      "siem",
      receiver.url,
      "--resource-type",
      "organization",
    ]);
    expect(created.code).toBe(0);
    const secret = created.stdout.trim();
    const from = receiver.received.length;
    const held = Promise.withResolvers<void>();
    // Received, and never answered.
    receiver.onRequest(() => held.resolve());
    await fleet.client.organizationCreate({ body: { name: "acme" } });
    await held.promise;
    receiver.onRequest((response) => void response.writeHead(204).end());
    await fleet.kill("coderd");
    await waitFor(() => receiver.received.length === from + 2, { what: "the second", timeoutMs: 60_000 });
    const messages = receiver.received.slice(from);
    expect(new Set(messages.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    for (const message of messages)
      expect(verified(message, secret)).toMatchObject({ type: "audit_log", data: { action: "create" } });
    await waitFor(
      async () => (await fleet.client.deliveryList({ query: { state: "pending" } })).count === 0,
      { what: "the result" },
    );
    expect(receiver.received).toHaveLength(from + 2);
    expect((await fleet.coder(["notifications", "failed"])).stdout).not.toContain("audit-webhook");
  },
  LIMIT_MS,
);
