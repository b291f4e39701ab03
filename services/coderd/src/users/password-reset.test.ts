import { systemClock } from "@fleet/base";
import { type MailServer, startMailServer, waitFor } from "@fleet/testkit";
import { createTestCoderd } from "../testing/coderd.js";

const envOf = (mail: MailServer) => ({
  CODER_EMAIL_SMARTHOST: mail.address,
  CODER_EMAIL_FROM: "coder@example.com",
  CODER_ACCESS_URL: "https://coder.test",
  CODER_NOTIFICATIONS_FETCH_INTERVAL: "50ms",
});
const NEW = "AnotherGoodPassword-1";

/** The passcode and address in the link of the latest mail. */
function linkIn(mail: MailServer) {
  const text = mail.mails.at(-1)!.email.text!;
  const url = new URL(/https:\/\/coder\.test\/reset-password\/change\?\S+/.exec(text)![0]);
  return { one_time_passcode: url.searchParams.get("otp")!, email: url.searchParams.get("email")! };
}

test("a passcode sets a new password once, and ends all sessions", async () => {
  await using mail = await startMailServer();
  await using server = await createTestCoderd({ env: envOf(mail) });
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  const { key } = await ana.client.tokenCreate({ params: { user: "me" }, body: { token_name: "ci" } });
  await server.anonymous.passwordResetRequest({ body: { email: "ANA@example.com" } });
  await waitFor(() => mail.mails.length === 1, { what: "the mail" });
  const link = linkIn(mail);
  expect(mail.mails[0]!.to).toEqual(["ana@example.com"]);
  expect((await ana.client.inboxList()).notifications).toEqual([]);

  const set = (password: string, code = link.one_time_passcode) =>
    server.anonymous.passwordReset({ body: { ...link, one_time_passcode: code, password } });
  const refused = { code: "invalid_argument" };
  await expect(set(NEW, `${link.one_time_passcode}x`)).rejects.toMatchObject(refused);
  await expect(set("short")).rejects.toMatchObject({ validations: [{ field: "password" }] });
  // None of these used the passcode up.
  await expect(set(ana.password)).rejects.toMatchObject({ validations: [{ field: "password" }] });
  await set(NEW);
  await expect(set(`${NEW}-again`)).rejects.toMatchObject(refused);
  for (const token of [ana.token, key])
    await expect(server.clientOf(token).userGet({ params: { user: "me" } })).rejects.toMatchObject({
      code: "unauthenticated",
    });
  await server.anonymous.login({ body: { email: link.email, password: NEW } });
  await expect(
    server.anonymous.login({ body: { email: link.email, password: ana.password } }),
  ).rejects.toMatchObject({ code: "unauthenticated" });

  const { audit_logs } = await owner.client.auditList({ query: { q: "resource_target:ana" } });
  const actions = audit_logs.filter(({ user }) => user?.id === ana.id).map(({ action }) => action);
  expect(actions).toEqual(expect.arrayContaining(["request_password_reset", "write"]));
  const text = JSON.stringify([audit_logs, await owner.client.deliveryList()]);
  expect(text).not.toContain(link.one_time_passcode);
});

test("the response is the same whether the user exists or not, and only those who have a password get a mail", async () => {
  await using mail = await startMailServer();
  await using server = await createTestCoderd({ env: envOf(mail) });
  const owner = await server.owner();
  const suspended = await server.user(owner, { username: "suspended" });
  await owner.client.userSuspend({ params: { user: suspended.id } });
  await server.user(owner, { username: "ana" });
  const request = async (email: string) => {
    const started = performance.now();
    const response = await fetch(`${server.coderd.httpUrl}/api/v2/users/otp/request`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email }),
    });
    return { status: response.status, text: await response.text(), ms: performance.now() - started };
  };
  for (const email of ["nobody@example.com", "suspended@example.com", "ana@example.com", "ana@example.com"]) {
    const { status, text, ms } = await request(email);
    expect([email, status, text]).toEqual([email, 204, ""]);
    // Not earlier than what hides the difference.
    expect(ms).toBeGreaterThan(290);
  }
  const sent = async () =>
    (await owner.client.deliveryList({ query: { state: "sent", destination: "smtp" } })).deliveries;
  await waitFor(async () => (await sent()).some(({ subject }) => subject.includes("(ana)")), {
    what: "the mail",
  });
  await waitFor(async () => (await owner.client.deliveryList({ query: { state: "pending" } })).count === 0, {
    what: "everything to be sent",
  });
  // One for two requests within a minute.
  expect(mail.mails.filter(({ email }) => email.subject === "Reset your password")).toHaveLength(1);
});

test("a passcode expires, a later one replaces it, and one that is late is not sent", async () => {
  let skippedMs = 0;
  await using mail = await startMailServer();
  await using server = await createTestCoderd({
    env: envOf(mail),
    clock: { ...systemClock, now: () => new Date(systemClock.now().getTime() + skippedMs) },
  });
  const owner = await server.owner();
  await server.user(owner, { username: "ana" });
  const request = async () => {
    const before = mail.mails.length;
    await server.anonymous.passwordResetRequest({ body: { email: "ana@example.com" } });
    await waitFor(() => mail.mails.length > before, { what: "the mail" });
    return linkIn(mail);
  };
  const set = (link: Awaited<ReturnType<typeof request>>) =>
    server.anonymous.passwordReset({ body: { ...link, password: NEW } });
  const first = await request();
  skippedMs += 61_000;
  const second = await request();
  await expect(set(first)).rejects.toMatchObject({ code: "invalid_argument" });
  skippedMs += 20 * 60_000;
  await expect(set(second)).rejects.toMatchObject({ code: "invalid_argument" });

  await owner.client.notificationSettingsUpdate({ body: { notifier_paused: true } });
  await server.anonymous.passwordResetRequest({ body: { email: "ana@example.com" } });
  skippedMs += 21 * 60_000;
  const count = mail.mails.length;
  await owner.client.notificationSettingsUpdate({ body: { notifier_paused: false } });
  const dead = await waitFor(
    async () => (await owner.client.deliveryList({ query: { state: "dead" } })).deliveries[0],
    { what: "the late message" },
  );
  expect(dead.reason).toContain("expired");
  expect(await owner.client.deliveryRetry({ body: {} })).toEqual({ retried: 0 });
  expect(mail.mails).toHaveLength(count);
});

test("without a mail server, everybody is told so", async () => {
  await using server = await createTestCoderd();
  await server.owner();
  for (const email of ["owner@example.com", "nobody@example.com"])
    await expect(server.anonymous.passwordResetRequest({ body: { email } })).rejects.toMatchObject({
      code: "failed_precondition",
    });
});
