import { waitFor } from "@fleet/testkit";
import { createTestCoderd, type TestCoderd, type TestUser } from "../testing/coderd.js";
import { createOAuth2Client, pkce, REDIRECT, type Tokens } from "../testing/oauth2.js";

let server: TestCoderd;
let owner: TestUser;
let ana: TestUser;
let client: ReturnType<typeof createOAuth2Client>;

beforeAll(async () => {
  server = await createTestCoderd();
  owner = await server.owner();
  ana = await server.user(owner, { username: "ana" });
  client = createOAuth2Client(server);
});
afterAll(() => server[Symbol.asyncDispose]());

const errorOf = async (response: Response) => {
  const { error, ...rest } = (await response.json()) as { error: string; error_description: string };
  expect(rest).toEqual({ error_description: expect.stringMatching(/^[ -!#-[\]-~]+$/) });
  return [response.status, error];
};

describe("a code", () => {
  test("gives tokens that act as the user, until they are revoked", async () => {
    const app = await client.confidentialApp(owner);
    const response = await client.exchange(app, await client.codeFor(app, ana));
    expect([response.status, response.headers.get("cache-control")]).toEqual([200, "no-store"]);
    const tokens = (await response.json()) as Tokens;
    expect(tokens).toMatchObject({ token_type: "Bearer", scope: "coder:all" });
    expect(tokens.expires_in).toBeGreaterThan(86_300);
    const me = await server.clientOf(tokens.access_token).userGet({ params: { user: "me" } });
    expect(me.username).toBe("ana");
    expect(await client.statusOf(tokens.access_token)).toBe(200);
    expect(await client.statusOf(tokens.refresh_token)).toBe(401);

    const revoked = await client.post("/oauth2/revoke", {
      token: tokens.refresh_token,
      ...client.credentials(app),
    });
    expect(revoked.status).toBe(200);
    expect(await client.statusOf(tokens.access_token)).toBe(401);
    expect(await errorOf(await client.refresh(app, tokens.refresh_token))).toEqual([400, "invalid_grant"]);
  });

  test("works once; a second use revokes what the first gave", async () => {
    const app = await client.publicApp();
    const code = await client.codeFor(app, ana);
    const tokens = (await (await client.exchange(app, code)).json()) as Tokens;
    expect(await client.statusOf(tokens.access_token)).toBe(200);
    expect(await errorOf(await client.exchange(app, code))).toEqual([400, "invalid_grant"]);
    expect(await client.statusOf(tokens.access_token)).toBe(401);
    expect(await errorOf(await client.refresh(app, tokens.refresh_token))).toEqual([400, "invalid_grant"]);
  });

  test("exchanged at two replicas at once works at most once", async () => {
    const app = await client.publicApp();
    const other = createOAuth2Client(server, (await server.replica()).httpUrl);
    for (let round = 0; round < 5; round++) {
      const code = await client.codeFor(app, ana);
      const answers = await Promise.all([client.exchange(app, code), other.exchange(app, code)]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
    }
  });

  test.each<[string, (form: Record<string, string>) => Record<string, string>, string]>([
    ["another verifier", (form) => ({ ...form, code_verifier: pkce().verifier }), "invalid_grant"],
    ["no verifier", ({ code_verifier: _, ...form }) => form, "invalid_request"],
    ["a short verifier", (form) => ({ ...form, code_verifier: "a" }), "invalid_request"],
    ["another redirect URI", (form) => ({ ...form, redirect_uri: `${REDIRECT}2` }), "invalid_grant"],
    ["no redirect URI", ({ redirect_uri: _, ...form }) => form, "invalid_grant"],
    ["another code", (form) => ({ ...form, code: `${form.code}x` }), "invalid_grant"],
    ["no code", ({ code: _, ...form }) => form, "invalid_request"],
    ["an unknown grant type", (form) => ({ ...form, grant_type: "password" }), "unsupported_grant_type"],
    [
      "client credentials",
      (form) => ({ ...form, grant_type: "client_credentials" }),
      "unsupported_grant_type",
    ],
    ["no grant type", ({ grant_type: _, ...form }) => form, "invalid_request"],
    ["another resource", (form) => ({ ...form, resource: "https://evil.example/" }), "invalid_target"],
  ])("with %s is refused, and stays valid", async (_what, change, error) => {
    const app = await client.publicApp();
    const { code, verifier } = await client.codeFor(app, ana);
    const form = {
      grant_type: "authorization_code",
      code,
      code_verifier: verifier,
      redirect_uri: REDIRECT,
      client_id: app.id,
    };
    expect(await errorOf(await client.post("/oauth2/tokens", change(form)))).toEqual([400, error]);
    expect((await client.exchange(app, { code, verifier })).status).toBe(200);
  });

  test("of one client is worth nothing to another", async () => {
    const [app, other] = [await client.confidentialApp(owner), await client.confidentialApp(owner)];
    const code = await client.codeFor(app, ana);
    expect(await errorOf(await client.exchange(other, code))).toEqual([400, "invalid_grant"]);
    expect((await client.exchange(app, code)).status).toBe(200);
  });
});

describe("a refresh token", () => {
  test("is replaced by each use; a second use ends everything of its grant", async () => {
    const app = await client.publicApp();
    const first = await client.tokensFor(app, ana);
    const second = (await (await client.refresh(app, first.refresh_token)).json()) as Tokens;
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(await client.statusOf(second.access_token)).toBe(200);
    const elsewhere = await client.tokensFor(app, ana);
    expect(await errorOf(await client.refresh(app, first.refresh_token))).toEqual([400, "invalid_grant"]);
    for (const token of [first.access_token, second.access_token])
      expect(await client.statusOf(token)).toBe(401);
    expect(await errorOf(await client.refresh(app, second.refresh_token))).toEqual([400, "invalid_grant"]);
    expect(await client.statusOf(elsewhere.access_token)).toBe(200);
  });

  test("used at two replicas at once works at most once", async () => {
    const app = await client.publicApp();
    const other = createOAuth2Client(server, (await server.replica()).httpUrl);
    for (let round = 0; round < 5; round++) {
      const { refresh_token: token } = await client.tokensFor(app, ana);
      const answers = await Promise.all([client.refresh(app, token), other.refresh(app, token)]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
    }
  });

  test("while the user revokes the app, is used or revoked, and neither fails", async () => {
    const app = await client.publicApp();
    for (let round = 0; round < 5; round++) {
      const { refresh_token: token } = await client.tokensFor(app, ana);
      const [answer] = await Promise.all([
        client.refresh(app, token),
        ana.client.oauth2TokensRevoke({ query: { client_id: app.id } }),
      ]);
      expect([200, 400]).toContain(answer.status);
      if (answer.status === 200)
        expect(await client.statusOf(((await answer.json()) as Tokens).access_token)).toBe(401);
    }
  });

  test("of one client is worth nothing to another", async () => {
    const [app, other] = [await client.publicApp(), await client.publicApp()];
    const tokens = await client.tokensFor(app, ana);
    expect(await errorOf(await client.refresh(other, tokens.refresh_token))).toEqual([400, "invalid_grant"]);
    await client.post("/oauth2/revoke", { token: tokens.refresh_token, ...client.credentials(other) });
    await client.post("/oauth2/revoke", { token: tokens.access_token, ...client.credentials(other) });
    expect(await client.statusOf(tokens.access_token)).toBe(200);
    expect((await client.refresh(app, tokens.refresh_token)).status).toBe(200);
  });

  test("gives the scopes that were granted, or fewer", async () => {
    const app = await client.publicApp();
    const scope = "workspace:read user:read";
    const tokens = await client.tokensFor(app, ana, { scope });
    expect(tokens.scope).toBe(scope);
    const wider = await client.refresh(app, tokens.refresh_token, { scope: "workspace:delete" });
    expect(await errorOf(wider)).toEqual([400, "invalid_scope"]);
    const narrower = await client.refresh(app, tokens.refresh_token, { scope: "user:read" });
    const narrowed = (await narrower.json()) as Tokens;
    expect(narrowed.scope).toBe("user:read");
    const whole = (await (await client.refresh(app, narrowed.refresh_token)).json()) as Tokens;
    expect(whole.scope).toBe(scope);
  });

  test("does not work for a suspended user, nor after its reactivation", async () => {
    const ben = await server.user(owner);
    const app = await client.publicApp();
    const tokens = await client.tokensFor(app, ben);
    const code = await client.codeFor(app, ben);
    await owner.client.userSuspend({ params: { user: ben.id } });
    expect(await client.statusOf(tokens.access_token)).toBe(401);
    expect(await errorOf(await client.refresh(app, tokens.refresh_token))).toEqual([400, "invalid_grant"]);
    expect(await errorOf(await client.exchange(app, code))).toEqual([400, "invalid_grant"]);
    await owner.client.userActivate({ params: { user: ben.id } });
    expect(await errorOf(await client.refresh(app, tokens.refresh_token))).toEqual([400, "invalid_grant"]);
  });
});

describe("an access token", () => {
  test("is limited to its scopes", async () => {
    const app = await client.publicApp();
    const { access_token: token } = await client.tokensFor(app, ana, { scope: "user:read" });
    expect(await client.statusOf(token)).toBe(200);
    expect(await client.statusOf(token, "/api/v2/users/me/gitsshkey")).toBe(403);
    expect((await server.clientOf(token).workspaceList()).workspaces).toEqual([]);
  });

  test("creates only what ends with it, and authorizes no app", async () => {
    const app = await client.publicApp();
    const tokens = await client.tokensFor(app, ana);
    const acting = server.clientOf(tokens.access_token);
    const { key } = await acting.tokenCreate({ params: { user: "me" }, body: { token_name: "made-by-app" } });
    const { key: session } = await acting.keyCreate({ params: { user: "me" } });
    const refused = await client.authorize(tokens.access_token, client.question(app, pkce().challenge));
    expect([refused.status, refused.location]).toEqual([403, null]);
    expect(await client.statusOf(key)).toBe(200);
    await ana.client.oauth2TokensRevoke({ query: { client_id: app.id } });
    expect([await client.statusOf(key), await client.statusOf(session)]).toEqual([401, 401]);
  });

  test("is not extended by use", async () => {
    const { access_token: token } = await client.tokensFor(await client.publicApp(), ana);
    const id = token.split("-")[0]!;
    const key = await ana.client.keyGet({ params: { user: "me", key: id } });
    expect(key.login_type).toBe("oauth2_provider_app");
    expect(await client.statusOf(token)).toBe(200);
    const after = await ana.client.keyGet({ params: { user: "me", key: id } });
    expect(after.expires_at).toBe(key.expires_at);
    expect(await ana.client.tokenList({ params: { user: "me" } })).not.toContainEqual(
      expect.objectContaining({ id }),
    );
  });

  test.each<[string, (app: { id: string }, user: TestUser) => Promise<unknown>]>([
    ["the app is deleted", (app) => owner.client.oauth2AppDelete({ params: { oauth2App: app.id } })],
    [
      "the user revokes the app",
      (app, { client }) => client.oauth2TokensRevoke({ query: { client_id: app.id } }),
    ],
    ["the user is suspended", (_, { id }) => owner.client.userSuspend({ params: { user: id } })],
    ["the user is deleted", (_, { id }) => owner.client.userDelete({ params: { user: id } })],
    [
      "an administrator sets another password",
      (_, { id }) =>
        owner.client.userPasswordUpdate({ params: { user: id }, body: { password: "AnotherPassword!1" } }),
    ],
  ])("ends, with the streams that it opened, when %s", async (_what, happens) => {
    const user = await server.user(owner);
    const app = await client.publicApp();
    const { access_token: token } = await client.tokensFor(app, user);
    const inbox = server.clientOf(token).inboxWatch();
    let ended: unknown;
    const reading = (async () => {
      for await (const _ of inbox);
    })().then(
      () => (ended = "closed"),
      (error: unknown) => (ended = error),
    );
    expect(await client.statusOf(token)).toBe(200);
    await happens(app, user);
    await waitFor(() => ended !== undefined, { what: "the stream to end" });
    await reading;
    expect(await client.statusOf(token)).toBe(401);
  });
});
