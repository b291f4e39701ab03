import pg from "pg";
import { createTestCoderd, type TestCoderd, type TestUser } from "../testing/coderd.js";
import { createOAuth2Client, pkce, REDIRECT, type TestApp } from "../testing/oauth2.js";

let server: TestCoderd;
let owner: TestUser;
let ana: TestUser;
let client: ReturnType<typeof createOAuth2Client>;
let app: TestApp;
let url: string;
const { verifier, challenge } = pkce();

beforeAll(async () => {
  server = await createTestCoderd({ env: { CODER_ACCESS_URL: "https://coder.example.com" } });
  owner = await server.owner();
  ana = await server.user(owner, { username: "ana" });
  client = createOAuth2Client(server);
  url = server.coderd.httpUrl;
  app = await client.confidentialApp(owner);
});
afterAll(() => server[Symbol.asyncDispose]());

const cookieOf = ({ token }: TestUser) => `coder_session_token=${token}`;
const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${url}${path}`, { headers, redirect: "manual" });
const consent = (
  query: Record<string, string>,
  headers: Record<string, string> = { cookie: cookieOf(ana) },
) => get(`/oauth2/authorize?${new URLSearchParams(query)}`, headers);

describe("an authorization request", () => {
  test("asks the user on a page that nothing can script or frame", async () => {
    const response = await consent(client.question(app, challenge, { scope: "workspace:read" }));
    expect(response.status).toBe(200);
    const headers = Object.fromEntries(response.headers);
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "x-frame-options": "DENY",
      "cache-control": "no-store",
      "referrer-policy": "same-origin",
    });
    expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(headers["content-security-policy"]).toContain("form-action 'self' https://app.example.com");
    expect(headers["content-security-policy"]).not.toContain("unsafe");
    const page = await response.text();
    expect(page).toContain("Authorize Test");
    expect(page).toContain("Workspaces: view");
    expect(page).toContain("<strong>ana</strong> (ana@example.com)");
    expect(page).not.toContain("administrator has reviewed");
  });

  test("sends a user who is signed out to the login page, and back", async () => {
    const question = client.question(app, challenge);
    const { status, headers } = await consent(question, {});
    const location = new URL(headers.get("location")!);
    expect([status, location.origin, location.pathname]).toEqual([
      303,
      "https://coder.example.com",
      "/login",
    ]);
    const back = new URL(location.searchParams.get("redirect")!, url);
    expect(back.pathname).toBe("/oauth2/authorize");
    expect(Object.fromEntries(back.searchParams)).toEqual(question);
  });

  test.each<[string, Record<string, string | undefined>]>([
    ["an unknown client", { client_id: "11111111-1111-4111-8111-111111111111" }],
    ["something that is no client", { client_id: "' OR 1=1 --" }],
    ["no client", { client_id: undefined }],
    ["another host", { redirect_uri: "https://evil.example/callback" }],
    ["userinfo", { redirect_uri: "https://app.example.com@evil.example/callback" }],
    ["a fragment", { redirect_uri: `${REDIRECT}#x` }],
    ["a backslash", { redirect_uri: "https://app.example.com\\@evil.example/callback" }],
    ["another path", { redirect_uri: `${REDIRECT}/../other` }],
    ["another port", { redirect_uri: "https://app.example.com:8443/callback" }],
    ["another scheme", { redirect_uri: "http://app.example.com/callback" }],
    ["javascript:", { redirect_uri: "javascript:alert(1)" }],
  ])("with %s is refused on a page, without a redirect", async (_what, change) => {
    const question = Object.fromEntries(
      Object.entries({ ...client.question(app, challenge), ...change }).filter(([, value]) => value),
    ) as Record<string, string>;
    const answers = [
      await consent(question),
      await fetch(`${url}/oauth2/authorize?${new URLSearchParams(question)}`, {
        method: "POST",
        headers: { "coder-session-token": ana.token },
        redirect: "manual",
      }),
    ];
    for (const response of answers) {
      expect([400, 404]).toContain(response.status);
      expect(response.headers.get("location")).toBeNull();
      expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(await response.text()).toContain("This request cannot be completed");
    }
  });

  test.each<[string, Record<string, string>, string]>([
    ["no challenge", { code_challenge: "" }, "invalid_request"],
    ["a plain challenge", { code_challenge_method: "plain" }, "invalid_request"],
    ["no method, which would be plain", { code_challenge_method: "" }, "invalid_request"],
    ["a challenge that is no hash", { code_challenge: "short" }, "invalid_request"],
    ["an implicit grant", { response_type: "token" }, "unsupported_response_type"],
    ["no response type", { response_type: "" }, "invalid_request"],
    ["a fragment as response mode", { response_mode: "fragment" }, "invalid_request"],
    ["a scope that does not exist", { scope: "workspace:fly" }, "invalid_scope"],
    ["another resource", { resource: "https://evil.example/" }, "invalid_target"],
    ["a resource with a fragment", { resource: "https://coder.example.com/#x" }, "invalid_target"],
  ])("with %s tells the app", async (_what, change, error) => {
    const { status, headers } = await consent(client.question(app, challenge, change));
    const location = new URL(headers.get("location")!);
    expect([status, location.origin + location.pathname]).toEqual([303, REDIRECT]);
    expect(Object.fromEntries(location.searchParams)).toEqual({
      error,
      error_description: expect.any(String),
      state: "s",
      iss: "https://coder.example.com",
    });
  });

  test("for this deployment as the resource is accepted, with or without a slash", async () => {
    for (const resource of ["https://coder.example.com", "https://coder.example.com/"])
      expect((await consent(client.question(app, challenge, { resource }))).status).toBe(200);
  });

  test("cannot exceed the scopes of the app, and gets them if it names none", async () => {
    const limited = await client.confidentialApp(owner, { scope: "workspace:* user:read" });
    const refused = await consent(client.question(limited, challenge, { scope: "template:read" }));
    expect(refused.headers.get("location")).toContain("error=invalid_scope");
    for (const scope of ["all", "coder:all"]) {
      const { headers } = await consent(client.question(limited, challenge, { scope }));
      expect(headers.get("location")).toContain("error=invalid_scope");
    }
    expect((await client.tokensFor(limited, ana)).scope).toBe("workspace:* user:read");
    expect((await client.tokensFor(limited, ana, { scope: "workspace:read" })).scope).toBe("workspace:read");
  });
});

describe("the user's answer", () => {
  async function decide(form: Record<string, string>, headers: Record<string, string>, more = {}) {
    const query = new URLSearchParams(client.question(app, challenge, more));
    const response = await fetch(`${url}/oauth2/authorize?${query}`, {
      method: "POST",
      headers,
      body: new URLSearchParams(form),
      redirect: "manual",
    });
    const location = response.headers.get("location");
    return {
      status: response.status,
      path: location && new URL(location).pathname,
      params: Object.fromEntries(location ? new URL(location).searchParams : []),
    };
  }
  const proofFor = async (user: TestUser, more = {}) => {
    const page = await (
      await consent(client.question(app, challenge, more), { cookie: cookieOf(user) })
    ).text();
    return /name="proof" value="([^"]+)"/.exec(page)![1]!;
  };
  const browser = (user: TestUser) => ({ cookie: cookieOf(user), origin: "https://coder.example.com" });

  test("counts only with the proof of the page that was shown to this session for this request", async () => {
    const proof = await proofFor(ana);
    const approved = await decide({ decision: "approve", proof }, browser(ana));
    expect(approved.params).toEqual({
      code: expect.any(String),
      state: "s",
      iss: "https://coder.example.com",
    });
    const denied = await decide({ decision: "deny", proof }, browser(ana));
    expect(denied.params).toMatchObject({ error: "access_denied", state: "s" });
    for (const [form, headers, more] of [
      [{ decision: "approve" }, browser(ana), {}],
      [{ decision: "approve", proof: "x" }, browser(ana), {}],
      [{ decision: "approve", proof: await proofFor(owner) }, browser(ana), {}],
      [{ decision: "approve", proof }, browser(ana), { scope: "user:read" }],
      [{ decision: "approve", proof }, browser(ana), { state: "other" }],
    ] as const)
      expect(await decide(form, headers, more)).toEqual({ status: 403, path: null, params: {} });
  });

  test("from another site counts for nothing", async () => {
    const proof = await proofFor(ana);
    for (const origin of ["https://evil.example", "null", "https://web--dev--ana.apps.example.com"]) {
      const answer = await decide(
        { decision: "approve", proof },
        { cookie: cookieOf(ana), origin, "sec-fetch-site": "cross-site" },
      );
      expect([answer.status, answer.path]).toEqual([303, "/login"]);
    }
  });

  test("cannot be given by a token", async () => {
    const { key } = await ana.client.tokenCreate({ params: { user: "me" }, body: { token_name: "t" } });
    const answer = await decide({ decision: "approve" }, { "coder-session-token": key });
    expect(answer).toEqual({ status: 403, path: null, params: {} });
  });
});

describe("the token endpoint", () => {
  const form = async () => ({
    grant_type: "authorization_code",
    redirect_uri: REDIRECT,
    ...(await (async () => {
      const code = await client.codeFor(app, ana);
      return { code: code.code, code_verifier: code.verifier };
    })()),
  });

  test("accepts a secret in the header or the form, and no wrong one", async () => {
    for (const [fields, headers, status] of [
      [{}, client.basic(app), 200],
      [client.credentials(app), {}, 200],
      [{ client_id: app.id }, client.basic(app), 200],
      [{}, client.basic({ ...app, secret: "x" }), 401],
      [{ client_id: app.id }, {}, 401],
      [{ client_id: app.id, client_secret: "x" }, {}, 401],
      [{}, {}, 401],
      [client.credentials(app), client.basic(app), 400],
      [{ client_id: "other" }, client.basic(app), 400],
    ] as const) {
      const response = await client.post("/oauth2/tokens", { ...(await form()), ...fields }, headers);
      const { error } = (await response.json()) as { error?: string };
      expect([fields, headers, response.status]).toEqual([fields, headers, status]);
      if (status === 401) {
        expect(error).toBe("invalid_client");
        expect(response.headers.get("www-authenticate")).toBe('Basic realm="coder"');
      }
    }
  });

  test("reads no secret from the query, no JSON, and no field that is repeated", async () => {
    const fields = await form();
    const inQuery = await client.post(
      `/oauth2/tokens?${new URLSearchParams(client.credentials(app))}`,
      fields,
    );
    expect([inQuery.status, await inQuery.json()]).toMatchObject([401, { error: "invalid_client" }]);
    const json = await fetch(`${url}/oauth2/tokens`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...fields, ...client.credentials(app) }),
    });
    expect([json.status, await json.json()]).toMatchObject([400, { error: "invalid_request" }]);
    const repeated = new URLSearchParams({ ...fields, ...client.credentials(app) });
    repeated.append("code", fields.code);
    const twice = await fetch(`${url}/oauth2/tokens`, { method: "POST", body: repeated });
    expect([twice.status, await twice.json()]).toMatchObject([400, { error: "invalid_request" }]);
    const large = await client.post("/oauth2/tokens", { ...fields, code: "x".repeat(70_000) });
    expect([large.status, await large.json()]).toMatchObject([413, { error: "invalid_request" }]);
    const tokens = await client.post("/oauth2/tokens", { ...fields, ...client.credentials(app) });
    expect(tokens.status).toBe(200);
  });

  test("takes POST alone", async () => {
    for (const method of ["GET", "HEAD", "PUT"]) {
      const response = await fetch(`${url}/oauth2/tokens`, { method });
      expect([response.status, response.headers.get("allow")]).toEqual([405, "DELETE, OPTIONS, POST"]);
    }
  });

  test("answers pages of any origin, which never send cookies there", async () => {
    const preflight = await fetch(`${url}/oauth2/tokens`, {
      method: "OPTIONS",
      headers: { origin: "https://spa.example", "access-control-request-method": "POST" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
    expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();
    const refused = await client.post("/oauth2/tokens", {}, { origin: "https://spa.example" });
    expect(refused.headers.get("access-control-allow-origin")).toBe("*");
    const api = await fetch(`${url}/api/v2/users/me`, {
      method: "OPTIONS",
      headers: { origin: "https://spa.example", "access-control-request-method": "GET" },
    });
    expect(api.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("registration", () => {
  test("gives a client everything that it needs later, and lets it manage itself", async () => {
    const { status, body } = await client.register({
      token_endpoint_auth_method: "client_secret_post",
      scope: "workspace:read no:such",
      logo_uri: "https://app.example.com/logo.png",
      software_id: "x",
      jwks_uri: "ignored",
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      client_id: expect.any(String),
      client_secret: expect.stringMatching(/^coder_secret_/),
      client_id_issued_at: expect.any(Number),
      client_secret_expires_at: 0,
      registration_client_uri: `https://coder.example.com/oauth2/clients/${body.client_id}`,
      registration_access_token: expect.stringMatching(/^coder_registration_/),
      redirect_uris: [REDIRECT],
      client_name: "Test",
      token_endpoint_auth_method: "client_secret_post",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      scope: "workspace:read",
      logo_uri: "https://app.example.com/logo.png",
      software_id: "x",
    });
    const path = `${url}/oauth2/clients/${body.client_id}`;
    const headers = {
      authorization: `Bearer ${body.registration_access_token}`,
      "content-type": "application/json",
    };
    const { client_secret: _, ...known } = body;
    expect(await (await fetch(path, { headers })).json()).toEqual(known);
    const put = (change: object) =>
      fetch(path, {
        method: "PUT",
        headers,
        body: JSON.stringify({ redirect_uris: ["https://b.example/cb"], client_name: "B", ...change }),
      });
    expect(await (await put({})).json()).toMatchObject({
      client_name: "B",
      redirect_uris: ["https://b.example/cb"],
    });
    for (const change of [{ token_endpoint_auth_method: "none" }, { client_id: app.id }]) {
      const response = await put(change);
      expect([response.status, await response.json()]).toMatchObject([
        400,
        { error: "invalid_client_metadata" },
      ]);
    }
    for (const token of ["x", ana.token, owner.token, ""]) {
      const response = await fetch(path, { headers: { authorization: `Bearer ${token}` } });
      expect([response.status, await response.json()]).toMatchObject([401, { error: "invalid_token" }]);
    }
    expect((await fetch(path, { method: "DELETE", headers })).status).toBe(204);
    expect((await fetch(path, { headers })).status).toBe(401);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ["no redirect URI", { redirect_uris: [] }, "invalid_redirect_uri"],
    ["javascript:", { redirect_uris: ["javascript:alert(1)"] }, "invalid_redirect_uri"],
    ["userinfo", { redirect_uris: ["https://a@b.example/"] }, "invalid_redirect_uri"],
    ["http", { redirect_uris: ["http://app.example.com/"] }, "invalid_redirect_uri"],
    ["no list", { redirect_uris: "https://a.example/" }, "invalid_redirect_uri"],
    ["a name that reads backwards", { client_name: "a\u202eb" }, "invalid_client_metadata"],
    ["a name that looks like another", { client_name: "Cоder" }, "invalid_client_metadata"],
    ["an implicit grant", { grant_types: ["implicit"] }, "invalid_client_metadata"],
    ["a response type that is not offered", { response_types: ["token"] }, "invalid_client_metadata"],
    ["a key", { token_endpoint_auth_method: "private_key_jwt" }, "invalid_client_metadata"],
    ["no known scope", { scope: "openid" }, "invalid_client_metadata"],
    ["a script as a page", { client_uri: "javascript:alert(1)" }, "invalid_client_metadata"],
  ])("with %s is refused", async (_what, metadata, error) => {
    const { status, body } = await client.register(metadata);
    expect([status, body.error]).toEqual([400, error]);
  });

  test("is limited: clients that nobody authorized fill a quota, and then none is accepted", async () => {
    await using full = await createTestCoderd();
    await full.owner();
    const database = new pg.Client({ connectionString: full.config.CODER_PG_CONNECTION_URL });
    await database.connect();
    await database.query(
      "INSERT INTO oauth2_provider_apps (name, registration_hash) SELECT 'x', ''::bytea FROM generate_series(1, 999)",
    );
    await database.end();
    expect((await createOAuth2Client(full).register()).status).toBe(201);
    const refused = await createOAuth2Client(full).register();
    expect([refused.status, refused.body.error]).toEqual([429, "temporarily_unavailable"]);
  });
});

test("a refusal of the API tells where to get a token", async () => {
  const metadata = 'resource_metadata="https://coder.example.com/.well-known/oauth-protected-resource"';
  const challenge = async (headers = {}) =>
    (await get("/api/v2/users/me", headers)).headers.get("www-authenticate");
  expect(await challenge()).toBe(`Bearer realm="coder", ${metadata}`);
  expect(await challenge({ authorization: "Bearer x" })).toBe(
    `Bearer realm="coder", error="invalid_token", ${metadata}`,
  );
  expect(await challenge({ authorization: `Bearer ${ana.token}` })).toBeNull();
});

test("a disabled provider has no documents, and issues nothing", async () => {
  await using off = await server.replica({ CODER_OAUTH2_PROVIDER_ENABLE: "false" });
  for (const path of [
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource",
    `/oauth2/authorize?${new URLSearchParams(client.question(app, challenge))}`,
  ])
    expect((await fetch(`${off.httpUrl}${path}`)).status).toBe(404);
  const code = await client.codeFor(app, ana);
  expect((await createOAuth2Client(server, off.httpUrl).exchange(app, code)).status).toBe(404);
  const api = await fetch(`${off.httpUrl}/api/v2/users/me`);
  expect(api.headers.get("www-authenticate")).toBe('Bearer realm="coder"');
});

test("administrators manage apps; users see them, and what they authorized", async () => {
  const made = await owner.client.oauth2AppCreate({
    body: { name: " Grafana ", callback_url: REDIRECT, icon: "/icon/grafana.svg" },
  });
  expect(made).toMatchObject({
    name: "Grafana",
    callback_url: REDIRECT,
    redirect_uris: [REDIRECT],
    client_type: "confidential",
    dynamically_registered: false,
    scope: "",
    endpoints: { token: "https://coder.example.com/oauth2/tokens" },
  });
  const params = { oauth2App: made.id };
  const changed = await owner.client.oauth2AppUpdate({ params, body: { name: "Loki", scope: "user:read" } });
  expect(changed).toMatchObject({ name: "Loki", icon: "", redirect_uris: [REDIRECT], scope: "user:read" });
  for (const body of [
    { name: "x" },
    { name: "", redirect_uris: [REDIRECT] },
    { name: "x", redirect_uris: ["javascript:alert(1)"] },
    { name: "x", redirect_uris: [REDIRECT], callback_url: `${REDIRECT}2` },
    { name: "x", redirect_uris: [REDIRECT], scope: "no:such" },
  ])
    await expect(owner.client.oauth2AppCreate({ body })).rejects.toMatchObject({ code: "invalid_argument" });
  const first = await owner.client.oauth2AppSecretCreate({ params });
  const second = await owner.client.oauth2AppSecretCreate({ params });
  expect(await owner.client.oauth2AppSecretList({ params })).toMatchObject([
    {
      id: first.id,
      last_used_at: null,
      client_secret_truncated: `******${first.client_secret_full.slice(-6)}`,
    },
    { id: second.id },
  ]);
  const mine = { id: made.id, secret: second.client_secret_full };
  await client.tokensFor(mine, ana);
  await owner.client.oauth2AppSecretDelete({ params: { ...params, oauth2Secret: second.id } });
  const code = await client.codeFor(mine, ana);
  expect((await client.exchange(mine, code)).status).toBe(401);
  expect((await client.exchange({ ...mine, secret: first.client_secret_full }, code)).status).toBe(200);
  const authorized = await ana.client.oauth2AppList({ query: { user_id: "me" } });
  expect(authorized.map(({ id }) => id)).toContain(made.id);
  await ana.client.oauth2TokensRevoke({ query: { client_id: made.id } });
  expect((await ana.client.oauth2AppList({ query: { user_id: ana.id } })).map(({ id }) => id)).not.toContain(
    made.id,
  );
  await expect(ana.client.oauth2AppList({ query: { user_id: owner.id } })).rejects.toMatchObject({
    code: "not_found",
  });
  const { audit_logs } = await owner.client.auditList({
    query: { q: "resource_type:oauth2_provider_grant" },
  });
  expect(audit_logs.map(({ action, user }) => [action, user?.username])).toEqual(
    expect.arrayContaining([
      ["create", "ana"],
      ["delete", "ana"],
    ]),
  );
  expect(JSON.stringify(audit_logs)).not.toContain("coder_");
});

test("nothing that a client holds is stored", async () => {
  const tokens = await client.tokensFor(app, ana);
  const code = await client.codeFor(app, ana);
  const { body } = await client.register();
  const secrets = [
    tokens.refresh_token,
    tokens.access_token.split("-")[1]!,
    code.code,
    app.secret!,
    body.client_secret!,
    body.registration_access_token!,
    verifier,
  ];
  const database = new pg.Client({ connectionString: server.config.CODER_PG_CONNECTION_URL });
  await database.connect();
  const { rows: tables } = await database.query<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
  );
  for (const { name } of tables) {
    const { rows } = await database.query(`SELECT to_jsonb(t)::text AS row FROM "${name}" t`);
    const text = rows.map(({ row }) => row).join("\n");
    for (const secret of secrets) expect([name, text.includes(secret)]).toEqual([name, false]);
  }
  await database.end();
});
