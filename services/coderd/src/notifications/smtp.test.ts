import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMailServer, waitFor } from "@fleet/testkit";
import { writeMail } from "./mail.js";
import { cleanLabels, render } from "./render.js";
import { createMailer, type SmtpSettings } from "./smtp.js";
import { TEMPLATES_BY_EVENT } from "./templates.js";

const SETTINGS: Omit<SmtpSettings, "smarthost"> = {
  from: "Coder <coder@example.com>",
  hello: "coderd.test",
  forceTls: false,
  startTls: false,
  serverName: undefined,
  skipVerify: false,
  caFile: undefined,
  certFile: undefined,
  keyFile: undefined,
  username: undefined,
  password: undefined,
  passwordFile: undefined,
  identity: undefined,
};
const ANA = { email: "ana@example.com", name: "Ana", username: "ana" };
const ID = "<1@coder.test>";
const signal = () => AbortSignal.timeout(10_000);

let folder: string;
let tls: { cert: string; key: string };
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mail-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "1",
      "-subj",
      "/CN=mail.test",
      "-addext",
      "subjectAltName=DNS:mail.test",
      "-keyout",
      key,
      "-out",
      cert,
    ],
    { stdio: "ignore" },
  );
  tls = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function mail(labels: Record<string, string> = { name: "dev", owner: "ana", reason: "autostop" }) {
  const content = render(TEMPLATES_BY_EVENT.workspaceDeleted, cleanLabels(labels), "https://coder.test");
  return writeMail(content, ANA, "https://coder.test", "https://coder.test/settings/notifications");
}

test("a mail is sent over STARTTLS, after signing in, as plain text and HTML", async () => {
  await using server = await startMailServer({ tls, login: { user: "coder", password: "pass word" } });
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, "pass word\n");
  const send = createMailer({
    ...SETTINGS,
    smarthost: server.address,
    startTls: true,
    serverName: "mail.test",
    caFile: join(folder, "cert.pem"),
    username: "coder",
    passwordFile,
  });
  await send(mail(), ANA, ID, signal());
  const [received] = server.mails;
  expect(received).toMatchObject({
    from: "coder@example.com",
    to: ["ana@example.com"],
    secure: true,
    user: "coder",
    email: {
      subject: 'Workspace "dev" deleted',
      messageId: ID,
      from: { name: "Coder", address: "coder@example.com" },
      to: [{ name: "Ana", address: "ana@example.com" }],
    },
  });
  expect(received!.email.text).toContain("View workspaces: https://coder.test/workspaces");
  expect(received!.email.html).toContain('<a href="https://coder.test/workspaces"');
  expect(received!.raw).toMatch(/^List-Unsubscribe: <https:\/\/coder.test\/settings\/notifications>\r$/m);
});

test.each([["LOGIN"], ["PLAIN"]])("AUTH %s is used if the server offers only that", async (method) => {
  await using server = await startMailServer({
    login: { user: "coder", password: "secret", methods: [method] },
  });
  const login = { username: "coder", password: "secret" };
  await createMailer({ ...SETTINGS, ...login, smarthost: server.address })(mail(), ANA, ID, signal());
  expect(server.mails[0]!.method).toBe(method);
  const wrong = createMailer({ ...SETTINGS, ...login, password: "wrong", smarthost: server.address });
  await expect(wrong(mail(), ANA, ID, signal())).rejects.toThrow("535");
});

test("an authorization identity is sent with AUTH PLAIN", async () => {
  await using server = await startMailServer({ login: { user: "coder", password: "secret" } });
  const login = { username: "coder", password: "secret", identity: "postmaster" };
  await createMailer({ ...SETTINGS, ...login, smarthost: server.address })(mail(), ANA, ID, signal());
  expect(server.mails).toHaveLength(1);
});

test("nothing is sent to a server that offers no STARTTLS, or has another certificate", async () => {
  await using plain = await startMailServer();
  const required = { ...SETTINGS, startTls: true };
  await expect(
    createMailer({ ...required, smarthost: plain.address })(mail(), ANA, ID, signal()),
  ).rejects.toThrow();
  expect(plain.mails).toEqual([]);
  await using encrypted = await startMailServer({ tls });
  const smarthost = encrypted.address;
  const unknown = createMailer({ ...required, smarthost, serverName: "mail.test" });
  await expect(unknown(mail(), ANA, ID, signal())).rejects.toThrow(/self.signed/);
  const misnamed = createMailer({ ...required, smarthost, caFile: join(folder, "cert.pem") });
  await expect(misnamed(mail(), ANA, ID, signal())).rejects.toThrow(/IP/);
  expect(encrypted.mails).toEqual([]);
  await createMailer({ ...required, smarthost, skipVerify: true })(mail(), ANA, ID, signal());
  expect(encrypted.mails).toHaveLength(1);
});

test("credentials are only sent over an encrypted connection", () => {
  const settings = { ...SETTINGS, username: "coder", smarthost: "mail.example.com:25" };
  expect(() => createMailer(settings)).toThrow("encrypted connection");
  expect(() => createMailer({ ...settings, startTls: true })).not.toThrow();
  expect(() => createMailer({ ...settings, smarthost: "mail.example.com:465" })).not.toThrow();
  expect(() => createMailer({ ...SETTINGS, smarthost: "mail.example.com:25", from: "" })).toThrow(
    "CODER_EMAIL_FROM",
  );
});

test("an unknown recipient is not tried again; other refusals and lost connections are", async () => {
  await using server = await startMailServer({
    recipient: (address) => (address.startsWith("gone") ? 550 : address.startsWith("busy") ? 450 : undefined),
    data: (nth) => (nth === 1 ? 451 : nth === 2 ? "close" : undefined),
  });
  const send = createMailer({ ...SETTINGS, smarthost: server.address });
  const to = (email: string) => send(mail(), { ...ANA, email }, ID, signal());
  await expect(to("gone@example.com")).rejects.toMatchObject({ name: "DeliveryRefused" });
  await expect(to("busy@example.com")).rejects.not.toMatchObject({ name: "DeliveryRefused" });
  await expect(to("ana@example.com")).rejects.not.toMatchObject({ name: "DeliveryRefused" });
  await expect(to("ana@example.com")).rejects.not.toMatchObject({ name: "DeliveryRefused" });
  await to("ana@example.com");
  expect(server.mails).toHaveLength(1);
});

test.each([
  "ana@example.com, eve@example.com",
  "ana@example.com\r\nRCPT TO:<eve@example.com>",
  "<eve@example.com>",
  "",
])("an address that is not exactly one is refused: %j", async (email) => {
  await using server = await startMailServer();
  const send = createMailer({ ...SETTINGS, smarthost: server.address });
  await expect(send(mail(), { ...ANA, email }, ID, signal())).rejects.toMatchObject({
    name: "DeliveryRefused",
  });
  expect(server.connections).toBe(0);
});

test("names cannot add headers, lines, links or HTML", async () => {
  await using server = await startMailServer();
  const evil = 'x\r\nBcc: eve@example.com\r\n\r\n<script src="https://evil.test">\u202e\u0000{{owner}}';
  const to = { email: "ana@example.com", name: `${evil}`, username: "ana" };
  const labels = cleanLabels({
    name: evil,
    owner: "../../evil?x=1#",
    reason: `<a href="//evil">${"y".repeat(10_000)}`,
  });
  const content = render(TEMPLATES_BY_EVENT.workspaceAutobuildFailed, labels, "https://coder.test/");
  const written = writeMail(content, to, "https://coder.test", undefined);
  await createMailer({ ...SETTINGS, smarthost: server.address })(written, to, ID, signal());
  const [{ raw, email, to: recipients }] = server.mails as [(typeof server.mails)[0]];
  expect(recipients).toEqual(["ana@example.com"]);
  expect(email.headers.map(({ key }) => key)).not.toContain("bcc");
  expect(email.subject!.length).toBeLessThan(300);
  expect(email.subject).not.toMatch(/[\r\n\0\u202e]/);
  expect(email.html).not.toMatch(/<script|<a href="\/\//);
  expect(email.html).toContain("{{owner}}");
  expect(email.html).toContain('href="https://coder.test/@..%2F..%2Fevil%3Fx%3D1%23/');
  expect(raw.length).toBeLessThan(20_000);
});

/** A server that speaks as the test says. */
async function rawServer(speak: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    // Reads, so that it sees the end.
    socket.resume();
    speak(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test.each<[string, (socket: Socket) => void]>([
  ["says nothing", () => {}],
  [
    "drips",
    (socket) => {
      const timer = setInterval(() => socket.write("2"), 20);
      socket.on("close", () => clearInterval(timer));
    },
  ],
  [
    "never stops talking",
    (socket) => {
      const more = () => {
        while (!socket.destroyed && socket.write("250-x".repeat(1_000)));
      };
      socket.on("drain", more);
      more();
    },
  ],
])("a server that %s is left when the signal aborts, or before", async (_what, speak) => {
  await using server = await rawServer(speak);
  const abort = new AbortController();
  const sending = createMailer({ ...SETTINGS, smarthost: server.address })(mail(), ANA, ID, abort.signal);
  const ended = expect(sending).rejects.toThrow();
  await waitFor(() => server.sockets.size > 0, { what: "the connection" });
  abort.abort(new Error("Too late."));
  await ended;
  await waitFor(() => [...server.sockets].every(({ destroyed }) => destroyed), { what: "its end" });
});
