import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { waitFor } from "@fleet/testkit";
import { issue, pemOf } from "../testing/certificates.js";
import { createTestCoderd } from "../testing/coderd.js";
import { formatSyslog } from "./message.js";
import { createSyslogTransport } from "./transport.js";

/** Reads messages that each follow their length (RFC 6587, section 3.4.1). */
function frames(bytes: Buffer): string[] {
  const found: string[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const space = rest.indexOf(" ");
    const end = space + 1 + Number(rest.toString("latin1", 0, space));
    if (space < 0 || rest.length < end) return found;
    found.push(rest.toString("utf8", space + 1, end));
    rest = rest.subarray(end);
  }
  return found;
}

/** A syslog server over TCP. */
async function collector(port = 0) {
  const sockets = new Set<Socket>();
  let bytes = Buffer.alloc(0);
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    messages: () => frames(bytes),
    connections: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const entriesOf = (messages: string[]) =>
  messages.map((message) => {
    const match = /^<110>1 (\S+) (\S+) coder - (audit|connection) - (\{.*\})$/.exec(message);
    expect(match).not.toBeNull();
    return { time: match![1]!, host: match![2]!, kind: match![3]!, data: JSON.parse(match![4]!) };
  });

test("a message has the form of RFC 5424, on one line, whatever the entry holds", () => {
  const time = new Date("2026-01-31T10:00:00.123Z");
  const data = { target: 'line\n<13>1 forged "quoted"' };
  expect(formatSyslog({ time, hostname: "coder.example.com", kind: "audit", data })).toBe(
    '<110>1 2026-01-31T10:00:00.123Z coder.example.com coder - audit - {"target":"line\\n<13>1 forged \\"quoted\\""}',
  );
  expect(formatSyslog({ time, hostname: "\n ", kind: "audit", data: {} })).toContain(" - coder ");
});

test("audit entries reach a server that was away, over one connection, and each once", async () => {
  const reserved = await collector();
  const { port } = reserved;
  await reserved[Symbol.asyncDispose]();
  const quick = { CODER_NOTIFICATIONS_FETCH_INTERVAL: "50ms", CODER_NOTIFICATIONS_MAX_SEND_ATTEMPTS: "1" };
  const env = {
    ...quick,
    CODER_SYSLOG_URL: `tcp://127.0.0.1:${port}`,
    CODER_ACCESS_URL: "http://coder.test",
  };
  await using server = await createTestCoderd({ env });
  const owner = await server.owner();
  await server.user(owner, { username: "ana" });
  const pending = async () => (await owner.client.deliveryList({ query: { state: "pending" } })).deliveries;
  await waitFor(async () => (await pending()).some(({ reason }) => reason.includes("ECONNREFUSED")), {
    what: "an attempt to fail",
  });
  expect((await owner.client.deliveryList({ query: { state: "dead" } })).count).toBe(0);

  await using back = await collector(port);
  await waitFor(async () => (await pending()).length === 0, { what: "all to be sent", timeoutMs: 25_000 });
  await waitFor(() => back.messages().length > 1, { what: "the messages" });
  const entries = entriesOf(back.messages());
  const { audit_logs } = await owner.client.auditList({ query: { limit: 1000 } });
  expect(new Set(entries.map(({ data }) => data.id))).toEqual(new Set(audit_logs.map(({ id }) => id)));
  expect(entries).toHaveLength(audit_logs.length);
  expect(entries[0]).toMatchObject({ host: "coder.test", kind: "audit" });
  expect(back.connections()).toBe(1);
  expect(JSON.stringify(entries)).not.toContain("scrypt");
});

test("a connection that the server closed is replaced; a certificate that is not trusted is refused", async () => {
  const first = await collector();
  const transport = createSyslogTransport(new URL(`tcp://127.0.0.1:${first.port}`));
  const { signal } = new AbortController();
  await transport.send("one", signal);
  await waitFor(() => first.messages().length === 1, { what: "the first message" });
  await first[Symbol.asyncDispose]();
  await expect(
    (async () => {
      for (;;) await transport.send("lost", signal);
    })(),
  ).rejects.toThrow(/ECONNREFUSED|EPIPE|ECONNRESET|destroyed/);
  await using second = await collector(first.port);
  await waitFor(
    () =>
      transport.send("two", signal).then(
        () => true,
        () => false,
      ),
    { what: "a new connection" },
  );
  await waitFor(() => second.messages().includes("two"), { what: "the next message" });
  transport.close();

  const issued = await issue({ name: "localhost" });
  const secure = createTlsServer({ cert: pemOf(issued), key: issued.privateKey }).listen(0, "127.0.0.1");
  await once(secure, "listening");
  const untrusted = createSyslogTransport(
    new URL(`tls://127.0.0.1:${(secure.address() as AddressInfo).port}`),
  );
  await expect(untrusted.send("secret", signal)).rejects.toThrow(/self-signed|certificate/i);
  secure.close();
});

test("a datagram holds one message, and one that is too long is refused in words", async () => {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const transport = createSyslogTransport(new URL(`udp://127.0.0.1:${socket.address().port}`));
  const { signal } = new AbortController();
  const received = once(socket, "message");
  await transport.send("<110>1 hello", signal);
  expect(String((await received)[0])).toBe("<110>1 hello");
  await expect(transport.send("x".repeat(70_000), signal)).rejects.toThrow("too long for UDP");
  socket.close();
});
