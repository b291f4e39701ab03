import { createTestCoderd } from "../testing/coderd.js";
import { CLIENT_ID, createBrowser, createStandInProvider } from "../testing/identity-provider.js";

/** Ana has signed in, and her access token is about to expire. */
async function start() {
  const stack = new AsyncDisposableStack();
  const provider = stack.use(await createStandInProvider());
  const server = stack.use(
    await createTestCoderd({
      env: {
        CODER_OIDC_ISSUER_URL: provider.issuer,
        CODER_OIDC_CLIENT_ID: CLIENT_ID,
        CODER_OIDC_USER_ROLE_FIELD: "roles",
      },
    }),
  );
  await server.owner();
  provider.behavior.expiresIn = 30;
  const browser = createBrowser(server.coderd.httpUrl);
  await browser.signIn();
  const ana = server.clientOf(browser.jar.get("coder_session_token")!);
  const me = () => ana.userGet({ params: { user: "me" } });
  const { id } = await me();
  const refreshes = () => provider.requests.filter((request) => request === "/token refresh_token").length;
  return {
    provider,
    server,
    id,
    me,
    refreshes,
    tokens: server.coderd.domain.oidcTokens,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("an expiring token is refreshed once for all replicas, and roles follow the claims", async () => {
  await using test = await start();
  const { provider, tokens, server, id } = test;
  Object.assign(provider.behavior, { expiresIn: 3600 });
  provider.behavior.claims.roles = ["auditor"];
  const other = (await server.replica()).domain.oidcTokens;
  const [a, b, c] = await Promise.all([
    tokens.accessToken(id),
    other.accessToken(id),
    tokens.accessToken(id),
  ]);
  expect(a).toMatch(/^access-/);
  expect([b, c]).toEqual([a, a]);
  expect(test.refreshes()).toBe(1);
  expect((await test.me()).roles).toMatchObject([{ name: "auditor" }]);
  await tokens.refreshExpiring();
  expect(test.refreshes()).toBe(1);
});

test("tokens of active users are refreshed before they expire", async () => {
  await using test = await start();
  await test.me();
  await test.tokens.refreshExpiring();
  expect(test.refreshes()).toBe(1);
});

test("a user whom the provider no longer vouches for is signed out", async () => {
  await using test = await start();
  test.provider.behavior.refresh = () => ({ status: 400, body: { error: "invalid_grant" } });
  expect(await test.tokens.accessToken(test.id)).toBe("");
  await expect(test.me()).rejects.toMatchObject({ code: "unauthenticated" });
});

test("a provider that is down signs nobody out", async () => {
  await using test = await start();
  test.provider.behavior.respond = (path, response) => path === "/token" && Boolean(response.destroy());
  expect(await test.tokens.accessToken(test.id)).toMatch(/^access-/);
  await test.me();
});

test("a refresh that is about somebody else signs the user out", async () => {
  await using test = await start();
  test.provider.behavior.claims.sub = "2";
  expect(await test.tokens.accessToken(test.id)).toBe("");
  await expect(test.me()).rejects.toMatchObject({ code: "unauthenticated" });
});
