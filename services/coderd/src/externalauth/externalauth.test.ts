import { waitFor } from "@fleet/testkit";
import { createDatabase } from "../database/client.js";
import { createTestCoderd, type TestCoderd, type TestUser } from "../testing/coderd.js";
import { createOauthProvider, type OauthProvider } from "../testing/oauth-provider.js";
import {
  built,
  createTemplate,
  createVersion,
  createWorkspace,
  ONE_AGENT,
  startProvisioner,
} from "../testing/work.js";

const KEY = Buffer.alloc(32, 7).toString("base64");

/** A deployment with one provider, `hub`. */
async function start(more: Record<string, string> = {}) {
  const hub = await createOauthProvider();
  const server = await createTestCoderd({ env: { ...hub.env("hub"), ...more } });
  const owner = await server.owner();
  return {
    hub,
    server,
    owner,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await hub[Symbol.asyncDispose]();
    },
  };
}

/** A browser that is signed in to the deployment, and keeps its cookies. */
function browserOf(server: TestCoderd, user: TestUser) {
  let cookie = `coder_session_token=${user.token}`;
  return {
    async open(path: string): Promise<string> {
      const url = new URL(path, server.coderd.httpUrl);
      const response = await fetch(`${server.coderd.httpUrl}${url.pathname}${url.search}`, {
        headers: { cookie },
        redirect: "manual",
      });
      const set = response.headers.get("set-cookie")?.split(";")[0];
      if (set) cookie = `coder_session_token=${user.token}; ${set}`;
      return response.headers.get("location") ?? "";
    },
  };
}

async function signIn(hub: OauthProvider, server: TestCoderd, user: TestUser): Promise<string> {
  const browser = browserOf(server, user);
  return browser.open(
    await hub.approve(await browser.open("/external-auth/hub/callback?redirect=/settings")),
  );
}

/** The token of the user's link as stored, and the same again after its expiry time has passed. */
async function expire(server: TestCoderd): Promise<void> {
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 1 });
  await db.externalAuthLink.updateMany({ data: { expiresAt: new Date(0) } });
  await close();
}

const authenticated = async ({ client }: TestUser) =>
  (await client.externalAuthGet({ params: { provider: "hub" } })).authenticated;

test("a user signs in by browser, sees the link, and signs out, which revokes the token", async () => {
  await using test = await start({ CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS: KEY });
  const { hub, server, owner } = test;
  expect(await owner.client.externalAuthList()).toMatchObject({ providers: [{ id: "hub" }], links: [] });
  expect(await signIn(hub, server, owner)).toBe(`${server.config.CODER_ACCESS_URL}/settings`);
  expect(await owner.client.externalAuthGet({ params: { provider: "hub" } })).toMatchObject({
    authenticated: true,
    supports_revocation: true,
    user: { id: 7, login: "dev" },
  });
  const { links } = await owner.client.externalAuthList();
  expect(links).toMatchObject([
    { provider_id: "hub", has_refresh_token: true, authenticated: true, validate_error: "" },
  ]);
  expect(JSON.stringify(links)).not.toContain("access-");

  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 1 });
  const [row] = await db.externalAuthLink.findMany();
  await close();
  expect(Buffer.from(row!.token).toString("latin1")).not.toContain("access-");

  expect(await owner.client.externalAuthDelete({ params: { provider: "hub" } })).toEqual({
    token_revoked: true,
  });
  expect(await authenticated(owner)).toBe(false);
  await expect(owner.client.externalAuthDelete({ params: { provider: "hub" } })).rejects.toThrow(
    "not signed in to Hub",
  );
});

test("a sign-in that another browser or user began is refused, and the page says so", async () => {
  await using test = await start();
  const { hub, server, owner } = test;
  const other = await server.user(owner);
  const back = await hub.approve(await browserOf(server, owner).open("/external-auth/hub/callback"));
  for (const victim of [owner, other]) {
    const page = new URL(await browserOf(server, victim).open(back));
    expect(page.pathname).toBe("/external-auth/hub");
    expect(page.searchParams.get("error")).toContain("not started in this browser");
    expect(await authenticated(victim)).toBe(false);
  }
  expect(hub.grants).toEqual([]);
  const denied = await browserOf(server, owner).open("/external-auth/hub/callback?error=access_denied");
  expect(new URL(denied).searchParams.get("error")).toBe("access_denied");
});

test("after the sign-in, the browser goes nowhere but to this deployment", async () => {
  await using test = await start();
  const { hub, server, owner } = test;
  for (const evil of ["https://evil.example", "//evil.example", "/\\evil.example"]) {
    const browser = browserOf(server, owner);
    const begun = await browser.open(`/external-auth/hub/callback?redirect=${encodeURIComponent(evil)}`);
    expect(await browser.open(await hub.approve(begun))).toBe(`${server.config.CODER_ACCESS_URL}/`);
  }
});

test("the device flow links the user once the code is entered", async () => {
  await using test = await start();
  const { hub, owner } = test;
  const params = { provider: "hub" };
  const { device_code, user_code } = await owner.client.externalAuthDevice({ params });
  const exchange = () => owner.client.externalAuthDeviceExchange({ params, body: { device_code } });
  await expect(exchange()).rejects.toMatchObject({ detail: "authorization_pending" });
  hub.enter(user_code);
  await exchange();
  expect(await authenticated(owner)).toBe(true);
});

test("agents and replicas that ask at the same time refresh an expired token once", async () => {
  await using test = await start();
  const { hub, server, owner } = test;
  await signIn(hub, server, owner);
  await expire(server);
  const held = Promise.withResolvers<void>();
  hub.hold = held.promise;
  const replicas = [server.coderd, await server.replica()].map(({ domain }) => domain.externalAuth);
  const asked = Array.from({ length: 10 }, (_, i) => {
    const auth = replicas[i % 2]!;
    return auth.credentials(auth.provider("hub"), owner.id);
  });
  await waitFor(() => hub.grants.includes("refresh_token"), { what: "a refresh" });
  held.resolve();
  const tokens = (await Promise.all(asked)).map((link) => link?.accessToken);
  expect(new Set(tokens).size).toBe(1);
  expect(hub.isValid(tokens[0]!)).toBe(true);
  expect(hub.grants.filter((grant) => grant === "refresh_token")).toHaveLength(1);
});

test("a refreshed token is stored even if Postgres fails at that moment", async () => {
  await using test = await start();
  const { hub, server, owner } = test;
  await signIn(hub, server, owner);
  await expire(server);
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 1 });
  await db.$executeRaw`CREATE SEQUENCE tries`;
  await db.$executeRaw`CREATE FUNCTION fail_twice() RETURNS trigger AS $$
    BEGIN IF nextval('tries') <= 2 THEN RAISE EXCEPTION 'disk full'; END IF; RETURN NEW; END $$ LANGUAGE plpgsql`;
  await db.$executeRaw`CREATE TRIGGER fails BEFORE UPDATE OF token ON external_auth_links
    FOR EACH ROW EXECUTE FUNCTION fail_twice()`;
  expect(await authenticated(owner)).toBe(true);
  expect(await db.$queryRaw`SELECT last_value::int AS tries FROM tries`).toEqual([{ tries: 3 }]);
  await close();
  expect(hub.grants.filter((grant) => grant === "refresh_token")).toHaveLength(1);
});

test("an outage of the provider keeps the link; a refused refresh token ends it, with the reason", async () => {
  await using test = await start();
  const { hub, server, owner } = test;
  await signIn(hub, server, owner);
  await expire(server);
  const link = async () => (await owner.client.externalAuthList()).links[0]!;
  hub.outage = 503;
  expect(await link()).toMatchObject({
    authenticated: false,
    validate_error: expect.stringContaining("503"),
  });
  hub.outage = undefined;
  expect(await link()).toMatchObject({ authenticated: true, validate_error: "" });

  await expire(server);
  hub.end();
  expect(await link()).toMatchObject({
    authenticated: false,
    validate_error: "Hub refused: The stand-in refuses.",
  });
  const before = hub.grants.length;
  expect(await authenticated(owner)).toBe(false);
  expect(hub.grants).toHaveLength(before);
  await signIn(hub, server, owner);
  expect(await authenticated(owner)).toBe(true);
});

test("an agent gets credentials for matching repositories, and waits for its owner to sign in", async () => {
  await using test = await start();
  const { hub, server, owner } = test;
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const token = crypto.randomUUID();
  const main = { name: "main", operatingSystem: "linux", architecture: "amd64" };
  const agents = [{ ...main, auth: { case: "token" as const, value: token } }];
  const resource = { name: "main", type: "null_resource", address: "null_resource.main", agents };
  const template = await createTemplate(owner, { resources: [resource] });
  await built(owner, await createWorkspace(owner, template));
  const agent = server.clientOf(token);
  const match = "https://git.example.com/team/app.git";
  const url = `${server.config.CODER_ACCESS_URL}/external-auth/hub`;
  expect(await agent.agentSelfExternalAuth({ query: { match } })).toMatchObject({ url, access_token: "" });
  await expect(
    agent.agentSelfExternalAuth({ query: { match: "https://elsewhere.example.com/x" } }),
  ).rejects.toThrow("No external authentication provider");

  const listening = agent.agentSelfExternalAuth({ query: { id: "hub", listen: true } });
  await signIn(hub, server, owner);
  const { access_token, token_extra, url: none } = await listening;
  expect([hub.isValid(access_token), none]).toEqual([true, ""]);
  expect(token_extra).toEqual({ tenant: { id: "t-1" } });
  expect(await agent.agentSelfGitAuth({ query: { match: `https://dev@git.example.com/x` } })).toMatchObject({
    username: "oauth2",
    password: access_token,
  });
});

test("a start needs the links that its template requires, and its build gets their tokens", async () => {
  await using test = await start();
  const { hub, server, owner } = test;
  await using daemon = await startProvisioner(server);
  const { id } = await createVersion(owner, {
    ...ONE_AGENT,
    externalAuthProviders: [{ id: "hub" }, { id: "other", optional: true }],
  });
  await daemon.run(await daemon.acquire());
  const template = await owner.client.templateCreate({
    params: { organization: "default" },
    body: { name: "echo", template_version_id: id },
  });
  const version = { version: id };
  const url = `${server.config.CODER_ACCESS_URL}/external-auth/hub`;
  const asked = () => owner.client.templateVersionExternalAuth({ params: version });
  expect(await asked()).toMatchObject([
    { id: "hub", type: "generic", display_name: "Hub", authenticate_url: url, authenticated: false },
    { id: "other", authenticate_url: "", authenticated: false, optional: true },
  ]);
  await expect(createWorkspace(owner, template)).rejects.toThrow(`sign in to Hub first: ${url}`);
  expect((await owner.client.workspaceList()).workspaces).toEqual([]);

  await signIn(hub, server, owner);
  expect(await asked()).toMatchObject([{ id: "hub", authenticated: true }, {}]);
  const workspace = await createWorkspace(owner, template);
  const job = await daemon.acquire();
  expect(job.type.value).toMatchObject({
    externalAuthTokens: [{ id: "hub", accessToken: expect.stringContaining("access-") }],
  });
  await daemon.run(job);

  // A link that the provider has ended is noticed before the workspace stops.
  await expire(server);
  hub.end();
  await expect(
    owner.client.workspaceBuildCreate({
      params: { workspace: workspace.id },
      body: { transition: "start", restart: true },
    }),
  ).rejects.toThrow("sign in to Hub first");
  const { latest_build } = await owner.client.workspaceGet({ params: { workspace: workspace.id } });
  expect(latest_build.build_number).toBe(1);
});
