import { createGrpcClient } from "@fleet/proto-gen";
import { ProxyService } from "@fleet/proto-gen/proxy";
import { createDatabase } from "../database/client.js";
import { createTestCoderd, PROXY_TOKEN, type TestUser } from "../testing/coderd.js";
import { createApiKeyStore } from "./store.js";

const HOST = "web--dev--ana.apps.test";
const HOUR_MS = 3_600_000;
const me = { user: "me" };

async function start() {
  const stack = new AsyncDisposableStack();
  const env = { CODER_WILDCARD_ACCESS_URL: "*.apps.test" };
  const server = stack.use(await createTestCoderd({ env }));
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 2 });
  stack.defer(close);
  const proxyOf = (address: string) => {
    const client = createGrpcClient(ProxyService, {
      address,
      metadata: () => ({ "coder-proxy-token": PROXY_TOKEN }),
    });
    stack.defer(() => client.close());
    return client;
  };

  /** The redirect from the access URL to the app's host, as the browser receives it. */
  async function redirected(token: string): Promise<{ status: number; encryptedKey: string }> {
    const target = encodeURIComponent(`http://${HOST}/`);
    const { status, headers } = await fetch(
      `${server.coderd.httpUrl}/api/v2/applications/auth-redirect?redirect_uri=${target}`,
      { redirect: "manual", headers: { "coder-session-token": token } },
    );
    const location = headers.get("location");
    const [encryptedKey = ""] = location ? [...new URL(location).searchParams.values()] : [];
    return { status, encryptedKey };
  }
  const proxy = proxyOf(server.coderd.grpcAddress);
  async function appSession(token: string) {
    const { encryptedKey } = await redirected(token);
    const { sessionToken, expiresAtMs } = await proxy.exchangeAppKey({ encryptedKey, hostname: HOST });
    return { token: sessionToken, expiresAtMs: Number(expiresAtMs) };
  }
  const tokenOf = async ({ client }: TestUser, body: object) =>
    (await client.tokenCreate({ params: me, body })).key;
  const statusOf = async (token: string) =>
    (
      await fetch(`${server.coderd.httpUrl}/api/v2/users/me`, {
        headers: { "coder-session-token": token },
      })
    ).status;
  const keyOf = (token: string) => db.apiKey.findUnique({ where: { id: token.split("-")[0]! } });
  /** Makes the key look unused for a while, so that its next use is written. */
  const unused = (token: string) =>
    db.apiKey.update({ where: { id: token.split("-")[0]! }, data: { lastUsed: new Date(0) } });
  return {
    db,
    unused,
    server,
    owner,
    ana,
    proxy,
    proxyOf,
    redirected,
    appSession,
    tokenOf,
    statusOf,
    keyOf,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("a wrapped app key opens one session, at any replica", async () => {
  await using test = await start();
  const other = test.proxyOf((await test.server.replica()).grpcAddress);
  const { encryptedKey } = await test.redirected(test.ana.token);
  const exchange = () =>
    [test.proxy, other, test.proxy, other].map((proxy) =>
      proxy.exchangeAppKey({ encryptedKey, hostname: HOST }),
    );
  const results = await Promise.allSettled(exchange());
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  for (const again of exchange()) await expect(again).rejects.toMatchObject({ code: "unauthenticated" });
});

test("an app session ends with the session that created it", async () => {
  await using test = await start();
  const session = await test.appSession(test.ana.token);
  expect(await test.keyOf(session.token)).not.toBeNull();
  await test.ana.client.logout();
  expect(await test.keyOf(session.token)).toBeNull();
});

test("a token that does not open apps gets no app session", async () => {
  await using test = await start();
  const reader = await test.tokenOf(test.ana, { scope: "user:read", token_name: "reader" });
  expect(await test.redirected(reader)).toEqual({ status: 403, encryptedKey: "" });
  for (const scope of ["all", "application_connect", "workspace:application_connect", "workspace:*"]) {
    const token = await test.tokenOf(test.ana, { scopes: [scope], token_name: scope.replace(/\W/g, "-") });
    expect((await test.redirected(token)).status).toBe(303);
  }
});

test("keys created with a token do not outlive it, however often they are used", async () => {
  await using test = await start();
  const lifetime = HOUR_MS * 1_000_000;
  const limited = await test.tokenOf(test.ana, {
    scope: "application_connect",
    token_name: "apps",
    lifetime,
  });
  const whole = await test.tokenOf(test.ana, { token_name: "whole", lifetime });
  const app = await test.appSession(limited);
  const { key: session } = await test.server.clientOf(whole).keyCreate({ params: me });
  const endsAt = (await test.keyOf(limited))!.expiresAt.getTime();
  expect(app.expiresAtMs).toBeLessThanOrEqual(endsAt);
  for (const [token, parent] of [
    [app.token, limited],
    [session, whole],
  ] as const) {
    const before = (await test.unused(token)).expiresAt;
    expect(before).toEqual((await test.keyOf(parent))!.expiresAt);
    await test.statusOf(token);
    const after = (await test.keyOf(token))!;
    expect(after.lastUsed.getTime()).toBeGreaterThan(Date.now() - HOUR_MS);
    expect(after.expiresAt).toEqual(before);
  }
  await test.ana.client.keyDelete({ params: { ...me, key: whole.split("-")[0]! } });
  expect(await test.statusOf(session)).toBe(401);
});

test("a session is extended while used; an ended one stays ended", async () => {
  await using test = await start();
  const { id } = await test.unused(test.ana.token);
  const endsAt = new Date(Date.now() + HOUR_MS);
  const expire = (expiresAt: Date) => test.db.apiKey.update({ where: { id }, data: { expiresAt } });
  await expire(endsAt);
  expect(await test.statusOf(test.ana.token)).toBe(200);
  expect((await test.keyOf(test.ana.token))!.expiresAt.getTime()).toBeGreaterThan(endsAt.getTime());

  // A request that read the session before it ended writes its use afterwards.
  const store = createApiKeyStore(test.db);
  const read = (await store.findSession(id))!;
  await store.expire(id, new Date());
  await store.touch(read, new Date(), new Date(Date.now() + 24 * HOUR_MS));
  expect(await test.statusOf(test.ana.token)).toBe(401);
});

test("a limited token creates only tokens within its scope and lifetime, which end with it", async () => {
  await using test = await start();
  const parent = await test.tokenOf(test.ana, {
    scopes: ["api_key:*", "user:read"],
    token_name: "parent",
    lifetime: HOUR_MS * 1_000_000,
  });
  const client = test.server.clientOf(parent);
  const make = (body: object) => client.tokenCreate({ params: { user: test.ana.id }, body });
  await expect(make({ scope: "all", token_name: "a" })).rejects.toMatchObject({ code: "permission_denied" });
  const longer = make({ scope: "user:read", token_name: "b", lifetime: 2 * HOUR_MS * 1_000_000 });
  await expect(longer).rejects.toMatchObject({ code: "invalid_argument" });
  const { key: child } = await make({ scope: "user:read", token_name: "c" });
  const [of, by] = [(await test.keyOf(child))!, (await test.keyOf(parent))!];
  expect(of.expiresAt.getTime()).toBeLessThanOrEqual(by.expiresAt.getTime());

  await test.ana.client.keyExpire({ params: { ...me, key: by.id } });
  expect(await test.statusOf(child)).toBe(401);
  await test.ana.client.keyDelete({ params: { ...me, key: by.id } });
  expect(await test.keyOf(child)).toBeNull();
});

test("a reactivated user has to sign in again; tokens keep working", async () => {
  await using test = await start();
  const token = await test.tokenOf(test.ana, { token_name: "ci" });
  const params = { user: test.ana.id };
  await test.owner.client.userSuspend({ params });
  expect(await test.statusOf(token)).toBe(401);
  await test.owner.client.userActivate({ params });
  expect(await test.statusOf(token)).toBe(200);
  expect(await test.statusOf(test.ana.token)).toBe(401);
});

test("sessions list where a user is signed in; an ended one is gone, and others' are hidden", async () => {
  await using test = await start();
  const { client, id } = test.ana;
  const { key: cli } = await client.keyCreate({ params: me });
  await test.tokenOf(test.ana, { token_name: "ci" });
  await test.appSession(test.ana.token);
  const list = async () => client.sessionList({ params: me });
  const keyIds = [test.ana.token, cli].map((token) => token.split("-")[0]!).sort();
  const sessions = await list();
  expect(sessions.map((session) => session.id).sort()).toEqual(keyIds);
  expect(sessions.filter(({ current }) => current).map((session) => session.id)).toEqual([
    test.ana.token.split("-")[0],
  ]);
  await client.keyDelete({ params: { ...me, key: cli.split("-")[0]! } });
  expect((await list()).map(({ current }) => current)).toEqual([true]);
  const seen = await test.owner.client.sessionList({ params: { user: id } });
  expect(seen.map(({ current }) => current)).toEqual([false]);
  const ben = await test.server.user(test.owner, { username: "ben", roles: ["user-admin"] });
  await expect(ben.client.sessionList({ params: { user: id } })).rejects.toMatchObject({ code: "not_found" });
});
