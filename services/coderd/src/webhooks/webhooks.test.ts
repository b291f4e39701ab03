import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { waitFor } from "@fleet/testkit";
import { createTestCoderd } from "../testing/coderd.js";

type Received = { url: string; headers: IncomingHttpHeaders; text: string };

/** A receiver whose response the test decides. */
async function receiver(respond: (response: ServerResponse, nth: number) => void) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    received.push({ url: request.url!, headers: request.headers, text });
    response.on("error", () => {});
    respond(response, received.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    received,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/audit`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const quick = { CODER_NOTIFICATIONS_RETRY_INTERVAL: "50ms", CODER_NOTIFICATIONS_FETCH_INTERVAL: "50ms" };

test("a webhook receives the audit entries that match its filter, signed, once each", async () => {
  await using target = await receiver((response) => response.writeHead(204).end());
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const { webhook, secret } = await owner.client.webhookCreate({
    body: { name: "siem", url: target.url, resource_types: ["user"], actions: ["create"] },
  });
  expect(JSON.stringify(await owner.client.webhookList())).not.toContain(secret.slice(6));
  const ana = await server.user(owner, { username: "ana", roles: ["auditor"] });
  await waitFor(() => target.received.length >= 1, { what: "the entry" });
  await waitFor(async () => (await owner.client.deliveryList({ query: { state: "sent" } })).count === 1, {
    what: "the result",
  });

  const [{ headers, text }] = target.received as [Received];
  const { audit_logs } = await owner.client.auditList({
    query: { q: "resource_type:user action:create resource_target:ana" },
  });
  expect(JSON.parse(text)).toMatchObject({
    type: "audit_log",
    data: { id: audit_logs[0]!.id, action: "create", resource_id: ana.id, user_id: owner.id },
  });
  expect(headers["webhook-id"]).toBe(audit_logs[0]!.id);
  // As the receiver's documentation says: https://www.standardwebhooks.com
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${text}`;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const expected = createHmac("sha256", key).update(signed).digest("base64");
  expect(headers["webhook-signature"]).toBe(`v1,${expected}`);
  expect(text).not.toContain("scrypt");

  const changed = await owner.client.webhookUpdate({
    params: { webhook: webhook.id },
    body: { new_secret: true, enabled: false },
  });
  expect(changed.secret).not.toBe(secret);
  expect(changed.webhook).toMatchObject({ enabled: false, actions: ["create"] });
  await server.user(owner);
  expect((await owner.client.deliveryList()).count).toBe(1);
  await owner.client.webhookDelete({ params: { webhook: webhook.id } });
  expect(await owner.client.webhookList()).toEqual([]);
});

test("an entry whose change is rolled back is not sent", async () => {
  await using target = await receiver((response) => response.writeHead(204).end());
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await owner.client.webhookCreate({
    body: { name: "siem", url: target.url, resource_types: ["user"], actions: ["write"] },
  });
  // A refused request leaves an entry of its own, which says so.
  await expect(owner.client.userSuspend({ params: { user: "me" } })).rejects.toMatchObject({
    code: "invalid_argument",
  });
  await waitFor(() => target.received.length === 1, { what: "the refusal" });
  expect(JSON.parse(target.received[0]!.text).data).toMatchObject({ status_code: 400, diff: {} });
});

test("redirects are not followed, errors are retried, and what stays undelivered can be sent again", async () => {
  let broken = true;
  await using elsewhere = await receiver((response) => response.writeHead(204).end());
  await using target = await receiver((response, nth) => {
    if (!broken) response.writeHead(204).end();
    else if (nth === 1) response.writeHead(301, { location: elsewhere.url }).end();
    else response.writeHead(500).end();
  });
  await using server = await createTestCoderd({
    env: { ...quick, CODER_NOTIFICATIONS_MAX_SEND_ATTEMPTS: "2" },
  });
  const owner = await server.owner();
  await owner.client.webhookCreate({
    body: { name: "siem", url: target.url, resource_types: ["organization"] },
  });
  await owner.client.organizationCreate({ body: { name: "acme" } });
  const dead = await waitFor(
    async () => (await owner.client.deliveryList({ query: { state: "dead" } })).deliveries[0],
    { what: "the dead message" },
  );
  expect(dead).toMatchObject({ attempts: 2, subject: "create organization" });
  expect(dead.reason).toContain("responded with 500");
  expect(elsewhere.received).toEqual([]);
  broken = false;
  expect(await owner.client.deliveryRetry({ body: { ids: [dead.id] } })).toEqual({ retried: 1 });
  await waitFor(() => target.received.length === 3, { what: "the last attempt" });
  const ids = target.received.map(({ headers }) => headers["webhook-id"]);
  expect(new Set(ids).size).toBe(1);
});

test("a receiver that never ends its response, or sends without end, is done with its status", async () => {
  const chunk = Buffer.alloc(65_536);
  await using target = await receiver((response, nth) => {
    response.writeHead(200);
    if (nth === 1) response.write("x");
    else {
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", more);
      more();
    }
  });
  await using server = await createTestCoderd({ env: quick });
  const owner = await server.owner();
  await owner.client.webhookCreate({
    body: { name: "siem", url: target.url, resource_types: ["organization"] },
  });
  await owner.client.organizationCreate({ body: { name: "acme" } });
  await owner.client.organizationCreate({ body: { name: "umbrella" } });
  await waitFor(async () => (await owner.client.deliveryList({ query: { state: "sent" } })).count === 2, {
    what: "both",
  });
});

test("a webhook needs a URL that can be called, without credentials", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  for (const url of ["ftp://example.com/", "nonsense", "https://user:secret@example.com/"]) {
    const create = owner.client.webhookCreate({ body: { name: "x", url } });
    await expect(create).rejects.toMatchObject({ validations: [{ field: "url" }] });
  }
});
