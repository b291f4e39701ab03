import { type JWTPayload, SignJWT } from "jose";
import { createTestCoderd, type TestCoderdOptions } from "../testing/coderd.js";
import { CLIENT_ID, createBrowser, createStandInProvider } from "../testing/identity-provider.js";

async function start(env: Record<string, string> = {}, options: TestCoderdOptions = {}) {
  const stack = new AsyncDisposableStack();
  const provider = stack.use(await createStandInProvider());
  const server = stack.use(
    await createTestCoderd({
      ...options,
      env: {
        CODER_OIDC_ISSUER_URL: provider.issuer,
        CODER_OIDC_CLIENT_ID: CLIENT_ID,
        CODER_OIDC_CLIENT_SECRET: "secret",
        ...env,
      },
    }),
  );
  const owner = await server.owner();
  const browser = () => createBrowser(server.coderd.httpUrl);
  const meOf = ({ jar }: ReturnType<typeof browser>) =>
    server.clientOf(jar.get("coder_session_token")!).userGet({ params: { user: "me" } });
  return { provider, server, owner, browser, meOf, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test("a first sign-in creates the user, a second one finds it, with what the provider says now", async () => {
  await using test = await start();
  Object.assign(test.provider.behavior.claims, { name: "Ana B", picture: "https://example.com/a.png" });
  const browser = test.browser();
  const done = await browser.signIn("/api/v2/users/oidc/callback?redirect=%2Fworkspaces%3Ffilter%3Da");
  expect([done.status, done.location]).toEqual([303, "http://127.0.0.1:3000/workspaces?filter=a"]);
  const first = await test.meOf(browser);
  expect(first).toMatchObject({
    username: "ana",
    email: "ana@example.com",
    name: "Ana B",
    avatar_url: "https://example.com/a.png",
    login_type: "oidc",
    status: "active",
    roles: [],
  });
  expect(first.organization_ids).toHaveLength(1);

  Object.assign(test.provider.behavior.claims, { email: "ana.b@example.com", preferred_username: "other" });
  await browser.signIn();
  expect(await test.meOf(browser)).toMatchObject({
    id: first.id,
    username: "ana",
    email: "ana.b@example.com",
  });
  const { audit_logs } = await test.owner.client.auditList({ query: { limit: 10 } });
  const entries = audit_logs.map(({ action, resource_type, user }) => [
    action,
    resource_type,
    user?.username,
  ]);
  expect(entries.slice(0, 3)).toEqual([
    ["login", "api_key", "ana"],
    ["login", "api_key", "ana"],
    ["create", "user", "ana"],
  ]);
});

const UNVERIFIED = /could not be verified/;
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

type Test = Awaited<ReturnType<typeof start>>;

test.each<[string, (test: Test) => void, number, RegExp]>([
  ["a token for another client", ({ provider }) => (provider.behavior.claims.aud = "other"), 403, UNVERIFIED],
  ["another issuer", ({ provider }) => (provider.behavior.claims.iss = "https://evil.test"), 403, UNVERIFIED],
  ["an expired token", ({ provider }) => (provider.behavior.claims.exp = 1), 403, UNVERIFIED],
  ["another nonce", ({ provider }) => (provider.behavior.claims.nonce = "n"), 403, UNVERIFIED],
  [
    "an unsigned token",
    ({ provider }) =>
      (provider.behavior.idToken = (payload) => `${encoded({ alg: "none" })}.${encoded(payload)}.`),
    403,
    UNVERIFIED,
  ],
  [
    "a signature with the public key as a shared secret",
    ({ provider }) =>
      (provider.behavior.idToken = (payload) =>
        new SignJWT(payload)
          .setProtectedHeader({ alg: "HS256", kid: "first" })
          .sign(Buffer.from(JSON.stringify(provider.publicJwk)))),
    403,
    UNVERIFIED,
  ],
  [
    "a changed payload",
    ({ provider }) =>
      (provider.behavior.idToken = async (payload: JWTPayload) => {
        const [head, , signature] = (await provider.sign(payload)).split(".");
        return [head, encoded({ ...payload, email: "owner@example.com" }), signature].join(".");
      }),
    403,
    UNVERIFIED,
  ],
  [
    "userinfo about somebody else",
    ({ provider }) => (provider.behavior.userInfo = { sub: "2", email: "owner@example.com" }),
    403,
    UNVERIFIED,
  ],
  [
    "an email address that is not verified",
    ({ provider }) => (provider.behavior.claims.email_verified = false),
    403,
    /ana@example\.com is not verified/,
  ],
  [
    "a verification of the wrong type",
    ({ provider }) => (provider.behavior.claims.email_verified = { yes: 1 }),
    403,
    /is not verified/,
  ],
  ["no email address", ({ provider }) => (provider.behavior.claims.email = undefined), 403, /no valid email/],
  [
    "a list as the email address",
    ({ provider }) => (provider.behavior.claims.email = ["a"]),
    403,
    /no valid email/,
  ],
  [
    "an email address with NUL",
    ({ provider }) => (provider.behavior.claims.email = "a\0@example.com"),
    403,
    /no valid email/,
  ],
  [
    "the email address of a user with a password, in other case",
    ({ provider }) => (provider.behavior.claims.email = "OWNER@Example.com"),
    403,
    /signs in with a password/,
  ],
  [
    "10 MB of userinfo",
    ({ provider }) => (provider.behavior.userInfo = { sub: "1", junk: "x".repeat(10_000_000) }),
    503,
    /did not respond as expected/,
  ],
  [
    "HTML instead of tokens",
    ({ provider }) =>
      (provider.behavior.respond = (path, response) =>
        path === "/token" && Boolean(response.writeHead(200, { "content-type": "text/html" }).end("<html>"))),
    403,
    UNVERIFIED,
  ],
  [
    "a redirect instead of tokens",
    ({ provider }) =>
      (provider.behavior.respond = (path, response) =>
        path === "/token" && Boolean(response.writeHead(307, { location: "http://127.0.0.1:1/" }).end())),
    403,
    UNVERIFIED,
  ],
  [
    "a connection that the provider closes",
    ({ provider }) =>
      (provider.behavior.respond = (path, response) => path === "/userinfo" && Boolean(response.destroy())),
    503,
    /did not respond as expected/,
  ],
])("%s signs nobody in", async (_name, lie, status, message) => {
  await using test = await start();
  const browser = test.browser();
  lie(test);
  const answer = await browser.signIn();
  expect(answer).toMatchObject({ status, message: expect.stringMatching(message) });
  expect(browser.jar.has("coder_session_token")).toBe(false);
  expect((await test.owner.client.userList()).count).toBe(1);
  expect((await test.owner.client.userGet({ params: { user: "me" } })).login_type).toBe("password");
});

test.each<[string, (claims: JWTPayload) => void, object]>([
  ["a name of the wrong type", (claims) => (claims.name = { first: "A" }), { name: "" }],
  ["a name with NUL and a lone surrogate", (claims) => (claims.name = "A\0n\ud800a"), { name: "An\ufffda" }],
  ["a picture that is a script", (claims) => (claims.picture = "javascript:alert(1)"), { avatar_url: "" }],
  [
    "a username that is an address",
    (claims) => (claims.preferred_username = "jo.doe@x.org"),
    { username: "jo-doe" },
  ],
  ["an accented username", (claims) => (claims.preferred_username = "Zoë Ñ."), { username: "Zoe-N" }],
  ["a number as the username", (claims) => (claims.preferred_username = 7), { username: "ana" }],
  [
    "ten thousand groups, one with NUL",
    (claims) => (claims.groups = ["a\0b", ...Array.from({ length: 10_000 }, (_, at) => `group-${at}`)]),
    { username: "ana" },
  ],
])("%s is no obstacle", async (_name, change, expected) => {
  await using test = await start();
  change(test.provider.behavior.claims);
  const browser = test.browser();
  expect(await browser.signIn()).toMatchObject({ status: 303 });
  expect(await test.meOf(browser)).toMatchObject(expected);
});

test("a name that is taken or reserved gets a number", async () => {
  await using test = await start();
  for (const name of ["Owner", "me", "---"]) {
    const browser = test.browser();
    Object.assign(test.provider.behavior.claims, {
      sub: name,
      email: `${name.length}@example.com`,
      preferred_username: name,
    });
    expect(await browser.signIn()).toMatchObject({ status: 303 });
    expect((await test.meOf(browser)).username).toMatch(/^(Owner|me|user)-\d{1,4}$/);
  }
});

test("a callback works once, only in the browser that started it, and only for its own sign-in", async () => {
  await using test = await start();
  const STARTED_ELSEWHERE = { status: 403, message: expect.stringContaining("started in another browser") };
  const [ana, other] = [test.browser(), test.browser()];
  const callback = await ana.toProvider();
  expect(await other.get(callback)).toMatchObject(STARTED_ELSEWHERE);
  await other.toProvider();
  expect(await other.get(callback)).toMatchObject(STARTED_ELSEWHERE);
  const cookies = new Map(ana.jar);
  expect(await ana.get(callback)).toMatchObject({ status: 303 });
  expect([...ana.jar.keys()]).toEqual(["coder_session_token"]);
  // The same browser again, with a copy of the cookie that was removed.
  for (const [name, value] of cookies) ana.jar.set(name, value);
  expect(await ana.get(callback)).toMatchObject(STARTED_ELSEWHERE);
});

test("two browsers, and two tabs of one, sign in at the same time", async () => {
  await using test = await start();
  const [one, two] = [test.browser(), test.browser()];
  const callbacks = [await one.toProvider(), await one.toProvider(), await two.toProvider()];
  const done = await Promise.all([one.get(callbacks[0]!), one.get(callbacks[1]!), two.get(callbacks[2]!)]);
  expect(done.map(({ status }) => status)).toEqual([303, 303, 303]);
  expect((await test.owner.client.userList()).count).toBe(2);
});

test("a browser that starts many sign-ins keeps few cookies", async () => {
  await using test = await start();
  const browser = test.browser();
  for (let times = 0; times < 12; times++) {
    await browser.get("/api/v2/users/oidc/callback");
    expect(browser.jar.size).toBeLessThanOrEqual(5);
  }
});

test.each([
  "https://evil.test/",
  "//evil.test/",
  "/\\evil.test",
  "javascript:alert(1)",
  "http://127.0.0.1:3000@evil.test/",
  "http://127.0.0.1:3001/",
  "/..//evil.test",
])("a redirect to %s leads to the start page", async (redirect) => {
  await using test = await start();
  const done = await test
    .browser()
    .signIn(`/api/v2/users/oidc/callback?redirect=${encodeURIComponent(redirect)}`);
  expect(new URL(done.location).origin).toBe("http://127.0.0.1:3000");
  expect(new URL(done.location).pathname).not.toMatch(/^\/\//);
});

test("who may not sign in is told why", async () => {
  await using test = await start({
    CODER_OIDC_ALLOW_SIGNUPS: "false",
    CODER_OIDC_SIGNUPS_DISABLED_TEXT: "Ask the <platform> team.",
    CODER_OIDC_EMAIL_DOMAIN: "Example.com, @b.test",
  });
  const { claims } = test.provider.behavior;
  expect(await test.browser().signIn()).toMatchObject({ status: 403, message: "Ask the <platform> team." });
  claims.email = "ana@example.com.evil.test";
  expect(await test.browser().signIn()).toMatchObject({
    message: expect.stringContaining("not in an allowed domain"),
  });

  // A user whom an administrator created is let in, and then suspended.
  claims.email = "ANA@B.test";
  const body = { email: "ana@b.test", username: "ana", login_type: "oidc" as const };
  const { id } = await test.owner.client.userCreate({ body });
  const browser = test.browser();
  expect(await browser.signIn()).toMatchObject({ status: 303 });
  expect(await test.meOf(browser)).toMatchObject({ id, status: "active" });
  claims.sub = "2";
  expect(await test.browser().signIn()).toMatchObject({ message: expect.stringContaining("another OpenID") });
  claims.sub = "1";
  await test.owner.client.userSuspend({ params: { user: id } });
  expect(await test.browser().signIn()).toMatchObject({ message: expect.stringContaining("suspended") });
});

test("a deleted user who signs in again is another user", async () => {
  await using test = await start();
  const [first, second] = [test.browser(), test.browser()];
  await first.signIn();
  const { id } = await test.meOf(first);
  await test.owner.client.userDelete({ params: { user: id } });
  await second.signIn();
  expect((await test.meOf(second)).id).not.toBe(id);
});

test("without users, the first one to sign in owns the deployment", async () => {
  await using provider = await createStandInProvider();
  const env = { CODER_OIDC_ISSUER_URL: provider.issuer, CODER_OIDC_CLIENT_ID: CLIENT_ID };
  await using server = await createTestCoderd({ env });
  const browser = createBrowser(server.coderd.httpUrl);
  await browser.signIn();
  const me = await server
    .clientOf(browser.jar.get("coder_session_token")!)
    .userGet({ params: { user: "me" } });
  expect(me.roles).toEqual([{ name: "owner", display_name: "Owner" }]);
});

test("an issuer that is down, hangs up or is another one ends nothing, and is asked again", async () => {
  await using test = await start();
  let answer = (response: import("node:http").ServerResponse) => void response.destroy();
  test.provider.behavior.respond = (path, response) => {
    if (!path.startsWith("/.well-known")) return false;
    answer(response);
    return true;
  };
  const browser = test.browser();
  const begin = () => browser.get("/api/v2/users/oidc/callback");
  expect(await begin()).toMatchObject({ status: 503, message: expect.stringContaining("did not respond") });
  answer = (response) => void response.end("<html>");
  expect(await begin()).toMatchObject({
    status: 503,
    message: expect.stringContaining("CODER_OIDC_ISSUER_URL"),
  });
  const metadata = { authorization_endpoint: "x", token_endpoint: "x", jwks_uri: "x" };
  answer = (response) => void response.end(JSON.stringify({ issuer: "https://evil.test", ...metadata }));
  expect(await begin()).toMatchObject({ message: expect.stringContaining("https://evil.test") });
  expect((await test.server.anonymous.authMethods()).oidc.enabled).toBe(true);
  test.provider.behavior.respond = () => false;
  expect(await browser.signIn()).toMatchObject({ status: 303 });
});

test("a browser gets the reason as a page, in which nothing of it is markup", async () => {
  await using test = await start();
  const answer = await test
    .browser()
    .get("/api/v2/users/oidc/callback?error=access_denied&state=%3Cscript%3E", { accept: "text/html,*/*" });
  expect(answer.status).toBe(403);
  expect(answer.response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(answer.response.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(answer.message).toContain("<h1>Sign-in failed</h1>");
  expect(answer.message).not.toContain("<script>");
});

test("groups, roles and organizations follow the claims; without an allowed group nobody gets in", async () => {
  await using test = await start({
    CODER_OIDC_GROUP_FIELD: "groups",
    CODER_OIDC_GROUP_MAPPING: '{"g-1": "builders"}',
    CODER_OIDC_GROUP_AUTO_CREATE: "true",
    CODER_OIDC_ALLOWED_GROUPS: "builders,admins",
    CODER_OIDC_USER_ROLE_FIELD: "roles",
  });
  const { claims } = test.provider.behavior;
  expect(await test.browser().signIn()).toMatchObject({
    status: 403,
    message: expect.stringContaining("group"),
  });
  Object.assign(claims, { groups: ["g-1", "other"], roles: ["auditor"] });
  const browser = test.browser();
  await browser.signIn();
  expect((await test.meOf(browser)).roles).toMatchObject([{ name: "auditor" }]);
  const groups = await test.owner.client.groupList({ query: {} });
  expect(groups.map(({ name }) => name).sort()).toEqual(["Everyone", "builders", "other"]);
  Object.assign(claims, { groups: "admins", roles: [] });
  await browser.signIn();
  expect((await test.meOf(browser)).roles).toEqual([]);
  const builders = (await test.owner.client.groupList({ query: {} })).find(
    ({ name }) => name === "builders",
  )!;
  expect(builders.members).toEqual([]);
});
