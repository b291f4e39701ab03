import { createTestCoderd } from "../testing/coderd.js";
import { CLIENT_ID, createBrowser, createStandInProvider } from "../testing/identity-provider.js";

async function start() {
  const stack = new AsyncDisposableStack();
  const provider = stack.use(await createStandInProvider());
  const server = stack.use(
    await createTestCoderd({
      env: { CODER_OIDC_ISSUER_URL: provider.issuer, CODER_OIDC_CLIENT_ID: CLIENT_ID },
    }),
  );
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  const browser = createBrowser(server.coderd.httpUrl);
  browser.jar.set("coder_session_token", ana.token);
  const begin = (password = ana.password, user = "me") =>
    ana.client.convertLogin({ params: { user }, body: { to_type: "oidc", password } });
  const callback = (state: string) =>
    `/api/v2/users/oidc/callback?redirect=/settings/account&oidc_merge_state=${state}`;
  return {
    provider,
    server,
    owner,
    ana,
    browser,
    begin,
    callback,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("a user changes from a password to the provider, and neither password nor session remain", async () => {
  await using test = await start();
  const { ana, server } = test;
  const { state_string, to_type, user_id } = await test.begin();
  expect([to_type, user_id]).toEqual(["oidc", ana.id]);
  expect(await test.browser.signIn(test.callback(state_string))).toMatchObject({
    status: 303,
    location: "http://127.0.0.1:3000/settings/account",
  });
  await expect(ana.client.userGet({ params: { user: "me" } })).rejects.toMatchObject({
    code: "unauthenticated",
  });
  const login = server.anonymous.login({ body: { email: "ana@example.com", password: ana.password } });
  await expect(login).rejects.toMatchObject({ code: "unauthenticated" });
  const now = server.clientOf(test.browser.jar.get("coder_session_token")!);
  expect(await now.userGet({ params: { user: "me" } })).toMatchObject({ id: ana.id, login_type: "oidc" });
  expect(await now.oidcClaims()).toMatchObject({ claims: { sub: "1", email: "ana@example.com" } });
  const { audit_logs } = await test.owner.client.auditList({
    query: { q: "resource_type:user action:write", limit: 5 },
  });
  expect(audit_logs[0]!.diff).toMatchObject({
    login_type: { old: "password", new: "oidc" },
    hashed_password: { secret: true },
  });
});

test("a wrong password, another user or a user without password cannot begin", async () => {
  await using test = await start();
  await expect(test.begin("wrong-password")).rejects.toMatchObject({ validations: [{ field: "password" }] });
  const other = test.owner.client.convertLogin({
    params: { user: test.ana.id },
    body: { to_type: "oidc", password: test.ana.password },
  });
  await expect(other).rejects.toMatchObject({ message: expect.stringContaining("themselves") });
  const github = test.ana.client.convertLogin({
    params: { user: "me" },
    body: { to_type: "github", password: test.ana.password },
  });
  await expect(github).rejects.toMatchObject({ message: expect.stringContaining("not configured") });
});

test("an account with another address or of another user changes nobody", async () => {
  await using test = await start();
  const { state_string } = await test.begin();
  const { claims } = test.provider.behavior;
  claims.email = "other@example.com";
  expect(await test.browser.signIn(test.callback(state_string))).toMatchObject({
    status: 403,
    message: expect.stringContaining("They must be the same"),
  });
  // The account belongs to somebody who signed in with it.
  await createBrowser(test.server.coderd.httpUrl).signIn();
  claims.email = "ana@example.com";
  expect(await test.browser.signIn(test.callback(state_string))).toMatchObject({
    status: 403,
    message: expect.stringContaining("another OpenID Connect account"),
  });
  expect((await test.ana.client.userGet({ params: { user: "me" } })).login_type).toBe("password");
});

test("the permission is of use to nobody else, before or after the provider", async () => {
  await using test = await start();
  const { state_string } = await test.begin();
  const stranger = createBrowser(test.server.coderd.httpUrl);
  expect(await stranger.get(test.callback(state_string))).toMatchObject({ status: 403 });
  stranger.jar.set("coder_session_token", test.owner.token);
  expect(await stranger.get(test.callback(state_string))).toMatchObject({ status: 403 });
  expect(await stranger.get(test.callback("made-up"))).toMatchObject({ status: 403 });
  const answer = await test.browser.toProvider(test.callback(state_string));
  test.browser.jar.set("coder_session_token", test.owner.token);
  expect(await test.browser.get(answer)).toMatchObject({
    status: 403,
    message: expect.stringContaining("signed out, or in as another user"),
  });
  expect((await test.owner.client.userGet({ params: { user: "me" } })).login_type).toBe("password");
});

test("signing out also ends the session at the provider if the deployment says so", async () => {
  await using provider = await createStandInProvider();
  const env = {
    CODER_OIDC_ISSUER_URL: provider.issuer,
    CODER_OIDC_CLIENT_ID: CLIENT_ID,
    CODER_OIDC_SIGN_OUT: "true",
  };
  await using server = await createTestCoderd({ env });
  const owner = await server.owner();
  expect((await owner.client.logout()).oidc_logout_url).toBeUndefined();
  const browser = createBrowser(server.coderd.httpUrl);
  await browser.signIn();
  const { oidc_logout_url = "" } = await server.clientOf(browser.jar.get("coder_session_token")!).logout();
  const url = new URL(oidc_logout_url);
  expect(url.origin + url.pathname).toBe(`${provider.issuer}/end`);
  expect(url.searchParams.get("post_logout_redirect_uri")).toBe("http://127.0.0.1:3000/login");
  expect(url.searchParams.get("id_token_hint")).toMatch(/^ey/);
});
