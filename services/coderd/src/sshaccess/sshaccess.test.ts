import { randomUUID } from "node:crypto";
import { CheckedGrant_Verdict, type Grant, type SshIdentity } from "@fleet/proto-gen/proxy";
import { createFakeClock, waitFor } from "@fleet/testkit";
import { randomSshKeyPair } from "../auth/sshkeys.js";
import { createDatabase } from "../database/client.js";
import { createAgentWorkspace, createTestAgent, createTestProxy, type TestProxy } from "../testing/agents.js";
import { createTestCoderd, type TestUser } from "../testing/coderd.js";
import { startProvisioner } from "../testing/work.js";
import { MAX_SSH_KEYS } from "./keys.js";
import { createSshSignIns, SIGN_IN_MS } from "./sign-ins.js";
import { createSshSignInStore } from "./sign-ins-store.js";

const me = { user: "me" };
const blobOf = (publicKey: string) => Buffer.from(publicKey.split(" ")[1]!, "base64");
const newKey = async () => (await randomSshKeyPair()).publicKey;

async function start() {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd());
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  const ben = await server.user(owner, { username: "ben" });
  const proxy = stack.use(await createTestProxy(server));
  return { server, owner, ana, ben, proxy, stack, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function startWithWorkspace() {
  const test = await start();
  test.stack.use(await startProvisioner(test.server)).serve();
  const made = await createAgentWorkspace(test.owner, test.ana);
  const agent = test.stack.use(await createTestAgent(test.server, made.token));
  await agent.connect();
  const publicKey = await newKey();
  const key = await test.ana.client.userSshKeyCreate({ params: me, body: { public_key: publicKey } });
  const asked = { username: "ana", publicKey: blobOf(publicKey), used: true };
  const { identity } = await test.proxy.client.authenticateSshKey(asked);
  const authorize = (host: string, as: SshIdentity | undefined = identity) =>
    test.proxy.client.authorizeSsh({ identity: as, host });
  return { ...test, ...made, key, identity: identity!, authorize };
}

test("keys are listed with their fingerprint and last use, and belong to one user", async () => {
  await using test = await start();
  const { ana, ben, owner, proxy } = test;
  const publicKey = await newKey();
  const add = (user: TestUser, body: { public_key: string; name?: string }, of = "me") =>
    user.client.userSshKeyCreate({ params: { user: of }, body });
  const made = await add(ana, { public_key: `${publicKey} ana@laptop` });
  expect(made).toMatchObject({ name: "ana@laptop", public_key: publicKey, last_used_at: null });
  await expect(add(ben, { public_key: publicKey })).rejects.toThrow("already registered");
  await expect(add(ana, { public_key: await newKey(), name: "ana@laptop" })).rejects.toMatchObject({
    validations: [{ field: "name" }],
  });
  await expect(add(ben, { public_key: await newKey() }, "ana")).rejects.toMatchObject({ code: "not_found" });

  const ask = (username: string, used: boolean) =>
    proxy.client.authenticateSshKey({ username, publicKey: blobOf(publicKey), used });
  const { identity } = await ask("Ana", false);
  expect(identity).toMatchObject({ userId: ana.id, username: "ana", sshKeyId: made.id, keyId: "" });
  expect((await ana.client.userSshKeyList({ params: me }))[0]!.last_used_at).toBeNull();
  await ask("ana", true);
  expect((await owner.client.userSshKeyList({ params: { user: "ana" } }))[0]!.last_used_at).not.toBeNull();
  await expect(ask("ben", true)).rejects.toMatchObject({ code: "unauthenticated" });

  await expect(
    ben.client.userSshKeyDelete({ params: { user: "me", sshKey: made.id } }),
  ).rejects.toMatchObject({ code: "not_found" });
  await ana.client.userSshKeyDelete({ params: { user: "me", sshKey: made.id } });
  await expect(ask("ana", true)).rejects.toMatchObject({ code: "unauthenticated" });
  await add(ben, { public_key: publicKey });
});

test("a user's keys are limited, even if they are added at the same time", async () => {
  await using test = await start();
  const keys = await Promise.all(Array.from({ length: MAX_SSH_KEYS + 3 }, newKey));
  const added = await Promise.allSettled(
    keys.map((public_key) => test.ana.client.userSshKeyCreate({ params: me, body: { public_key } })),
  );
  expect(added.filter(({ status }) => status === "fulfilled")).toHaveLength(MAX_SSH_KEYS);
});

test("the keys of a deleted user can be registered by another", async () => {
  await using test = await start();
  const body = { public_key: await newKey() };
  await test.ana.client.userSshKeyCreate({ params: me, body });
  await test.owner.client.userDelete({ params: { user: "ana" } });
  await test.ben.client.userSshKeyCreate({ params: me, body });
});

test("a host name leads to the workspaces that its user may connect to, as with coder ssh", async () => {
  await using test = await startWithWorkspace();
  const { authorize, owner, ana, ben, proxy, agentId, workspace } = test;
  for (const host of ["dev", "DEV", "dev.main", "ana--dev", "main.dev.ana", "dev.coder", "coder.dev"]) {
    expect(await authorize(host)).toMatchObject({ agentId, workspaceId: workspace.id });
  }
  for (const [host, reason] of [
    ["nowhere", "Workspace nowhere not found"],
    ["dev.other", "no agent named other. Its agents: main"],
    ["a b", "is not a valid workspace name"],
    ["", "is not a valid workspace name"],
  ] as const) {
    await expect(authorize(host)).rejects.toThrow(reason);
  }
  await expect(
    authorize("dev", {
      $typeName: "coder.proxy.v1.SshIdentity",
      userId: ana.id,
      username: "ana",
      sshKeyId: "",
      keyId: "",
    }),
  ).rejects.toMatchObject({ code: "unauthenticated" });

  const bens = await newKey();
  await ben.client.userSshKeyCreate({ params: me, body: { public_key: bens } });
  const asked = { username: "ben", publicKey: blobOf(bens), used: true };
  const { identity } = await proxy.client.authenticateSshKey(asked);
  await expect(authorize("ana--dev", identity)).rejects.toMatchObject({ code: "not_found" });
  const params = { workspace: workspace.id };
  await ana.client.workspaceAclUpdate({ params, body: { user_roles: { [ben.id]: "use" } } });
  expect(await authorize("ana--dev", identity)).toMatchObject({ agentId });
  await owner.client.userSuspend({ params: { user: ben.id } });
  await expect(authorize("ana--dev", identity)).rejects.toThrow("suspended");
});

const ENDINGS: Record<string, (test: Awaited<ReturnType<typeof startWithWorkspace>>) => Promise<unknown>> = {
  "the key is removed": ({ ana, key }) =>
    ana.client.userSshKeyDelete({ params: { user: "me", sshKey: key.id } }),
  "the user is suspended": ({ owner, ana }) => owner.client.userSuspend({ params: { user: ana.id } }),
  "the user leaves the organization": ({ owner, ana }) =>
    owner.client.memberRemove({ params: { organization: "default", user: ana.id } }),
};

test.each(Object.entries(ENDINGS))(
  "proxies are told when %s, and then that its streams have ended",
  async (_, happens) => {
    await using test = await startWithWorkspace();
    const { proxy, authorize, key, ana } = test;
    const grants = [(await authorize("dev")).grant!];
    expect(grants[0]).toMatchObject({ sshKeyId: key.id, keyId: "", userId: ana.id, expiresAtMs: 0n });
    const verdict = async (asked: Grant[]) =>
      (await proxy.client.checkGrants({ grants: asked })).grants[0]!.verdict;
    expect(await verdict(grants)).toBe(CheckedGrant_Verdict.HOLDS);
    await happens(test);
    expect(await verdict(grants)).toBe(CheckedGrant_Verdict.ENDED);
    const subjects = [`ssh_key:${key.id}`, `user:${ana.id}`];
    await waitFor(() => subjects.some((subject) => proxy.changed().includes(subject)), {
      what: "the proxy to be told",
    });
  },
);

test("a user allows a client by its link in the browser, once; the connection ends with that session", async () => {
  await using test = await startWithWorkspace();
  const { server, proxy, ana, ben, authorize } = test;
  const begin = (username = "ana") =>
    proxy.client.beginSshSignIn({ username, address: "192.0.2.7", client: "OpenSSH_9.9\u001b[31m" });
  const page = (code: string, user: TestUser | undefined, form?: Record<string, string>) =>
    fetch(`${server.coderd.httpUrl}/ssh/sign-in?code=${code}`, {
      headers: user ? { cookie: `coder_session_token=${user.token}` } : {},
      redirect: "manual",
      ...(form ? { method: "POST", body: new URLSearchParams(form) } : {}),
    });
  const first = await begin();
  expect(new URL(first.url).searchParams.get("code")).toBe(first.code);
  expect((await proxy.client.claimSshSignIn({ id: first.id })).identity).toBeUndefined();

  const signedOut = await page(first.code, undefined);
  const back = new URL(signedOut.headers.get("location")!).searchParams.get("redirect");
  expect([signedOut.status, back]).toEqual([303, `/ssh/sign-in?code=${first.code}`]);
  expect((await page(first.code, ben)).status).toBe(403);
  const shown = await page(first.code, ana);
  const text = await shown.text();
  for (const part of [first.code, "192.0.2.7", "OpenSSH_9.9?[31m"]) expect(text).toContain(part);
  expect((await page(first.code, ana, { decision: "allow", proof: "x" })).status).toBe(403);
  expect((await proxy.client.claimSshSignIn({ id: first.id })).identity).toBeUndefined();
  const proof = /name="proof" value="([^"]+)"/.exec(text)![1]!;
  expect((await page(first.code, ana, { decision: "allow", proof })).status).toBe(200);
  expect((await page(first.code, ana)).status).toBe(404);

  const { identity } = await proxy.client.claimSshSignIn({ id: first.id });
  expect(identity).toMatchObject({ username: "ana", userId: ana.id, sshKeyId: "" });
  await expect(proxy.client.claimSshSignIn({ id: first.id })).rejects.toMatchObject({
    code: "unauthenticated",
  });
  const { grant } = await authorize("dev", identity);
  const logins = await test.owner.client.auditList({
    query: { q: "resource_type:api_key action:login username:ana" },
  });
  expect(logins.audit_logs.length).toBeGreaterThan(0);
  await ana.client.logout();
  const { grants } = await proxy.client.checkGrants({ grants: [grant!] });
  expect(grants[0]!.verdict).toBe(CheckedGrant_Verdict.ENDED);
});

test("a link that is denied, or not used in time, leads nowhere", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const { authenticate } = server.coderd.domain.apiKeys;
  const actor = await authenticate({ token: owner.token, via: "header" });
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 1 });
  const clock = createFakeClock();
  const signIns = createSshSignIns({
    store: createSshSignInStore(db),
    accessUrl: "http://coder.test",
    clock,
  });
  const client = { username: "owner", address: "192.0.2.7", client: "" };
  const denied = await signIns.begin(client);
  await signIns.deny(actor, denied.code);
  await expect(signIns.claim(denied.id)).rejects.toThrow("denied or has expired");
  const late = await signIns.begin(client);
  await clock.advance(SIGN_IN_MS);
  await expect(signIns.allow(actor, late.code)).rejects.toThrow("has expired");
  await expect(signIns.claim(late.id)).rejects.toThrow("denied or has expired");
  const { key } = await owner.client.tokenCreate({ params: me, body: {} });
  const again = await signIns.begin(client);
  await expect(signIns.allow(await authenticate({ token: key, via: "header" }), again.code)).rejects.toThrow(
    "A token cannot allow",
  );
  expect(await db.sshSignIn.count()).toBe(1); // What has expired is removed.
  await close();
});

test("all replicas of a proxy present the same host key, and another proxy its own", async () => {
  await using test = await start();
  const { proxy_token } = await test.owner.client.workspaceProxyCreate({ body: { name: "eu" } });
  using second = await createTestProxy(test.server);
  using other = await createTestProxy(test.server, randomUUID(), proxy_token);
  const hostKeyOf = ({ messages }: TestProxy) =>
    messages.flatMap((message) => (message.case === "settings" ? [message.value.sshHostKey] : []))[0]!;
  expect(hostKeyOf(test.proxy)).toContain("OPENSSH PRIVATE KEY");
  expect(hostKeyOf(second)).toBe(hostKeyOf(test.proxy));
  expect(hostKeyOf(other)).not.toBe(hostKeyOf(test.proxy));
});
