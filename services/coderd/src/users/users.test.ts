import { createSessionCookies } from "../http/session-cookie.js";
import { createTestCoderd } from "../testing/coderd.js";

test("the first user is created once, owns the deployment and signs in", async () => {
  await using fleet = await createTestCoderd();
  await expect(fleet.anonymous.userFirst()).rejects.toMatchObject({ code: "not_found" });
  const owner = await fleet.owner();
  const me = await owner.client.userGet({ params: { user: "me" } });
  expect(me).toMatchObject({ username: "owner", status: "active", roles: [{ name: "owner" }] });
  expect(me.organization_ids).toHaveLength(1);
  const again = fleet.anonymous.userFirstCreate({
    body: { email: "b@example.com", username: "b", password: "AnotherPass1!" },
  });
  await expect(again).rejects.toMatchObject({ code: "invalid_argument" });
});

test("a wrong password and an unknown email get the same error", async () => {
  await using fleet = await createTestCoderd();
  await fleet.owner();
  for (const email of ["owner@example.com", "nobody@example.com"]) {
    const attempt = fleet.anonymous.login({ body: { email, password: "wrong-password" } });
    await expect(attempt).rejects.toMatchObject({
      code: "unauthenticated",
      message: "Incorrect email or password.",
    });
  }
});

test("a member can neither see nor create other users", async () => {
  await using fleet = await createTestCoderd();
  const owner = await fleet.owner();
  const ana = await fleet.user(owner, { username: "ana" });
  await fleet.user(owner, { username: "ben" });
  const { users } = await ana.client.userList();
  expect(users.map((user) => user.username)).toEqual(["ana"]);
  await expect(ana.client.userGet({ params: { user: "ben" } })).rejects.toMatchObject({ code: "not_found" });
  const create = ana.client.userCreate({
    body: { email: "c@example.com", username: "c", password: "AnotherPass1!" },
  });
  await expect(create).rejects.toMatchObject({ code: "permission_denied" });
});

test("a duplicate, reserved or invalid name is rejected at its field", async () => {
  await using fleet = await createTestCoderd();
  const owner = await fleet.owner();
  for (const username of ["Owner", "me", "two--hyphens"]) {
    const create = owner.client.userCreate({
      body: { email: "c@example.com", username, password: "AnotherPass1!" },
    });
    await expect(create).rejects.toMatchObject({ validations: [{ field: "username" }] });
  }
});

test("logging out, suspending and changing the password end sessions", async () => {
  await using fleet = await createTestCoderd();
  const owner = await fleet.owner();
  const ana = await fleet.user(owner, { username: "ana" });
  const me = { params: { user: "me" } };

  await ana.client.logout();
  await expect(ana.client.userGet(me)).rejects.toMatchObject({ code: "unauthenticated" });

  const ben = await fleet.user(owner, { username: "ben" });
  await owner.client.userSuspend({ params: { user: "ben" } });
  await expect(ben.client.userGet(me)).rejects.toMatchObject({ code: "unauthenticated" });

  const cleo = await fleet.user(owner, { username: "cleo" });
  const other = await fleet.anonymous.login({ body: { email: "cleo@example.com", password: cleo.password } });
  await cleo.client.userPasswordUpdate({
    params: { user: "me" },
    body: { old_password: cleo.password, password: "Another-pass-1" },
  });
  await expect(fleet.clientOf(other.session_token).userGet(me)).rejects.toMatchObject({
    code: "unauthenticated",
  });
  await cleo.client.userGet(me);
});

test("a cookie session is rejected for another site", async () => {
  await using fleet = await createTestCoderd();
  const owner = await fleet.owner();
  const logout = (origin: string) =>
    fetch(`${fleet.coderd.httpUrl}/api/v2/users/logout`, {
      method: "POST",
      headers: { cookie: `coder_session_token=${owner.token}`, origin },
    });
  expect((await logout("http://app--ws--ana.localhost:3000")).status).toBe(403);
  expect((await logout("http://127.0.0.1:3000")).status).toBe(200);
});

test("another site cannot sign a browser in", async () => {
  await using fleet = await createTestCoderd();
  const { password } = await fleet.owner();
  const login = (headers: Record<string, string>) =>
    fetch(`${fleet.coderd.httpUrl}/api/v2/users/login`, {
      method: "POST",
      headers,
      body: JSON.stringify({ email: "owner@example.com", password }),
    });
  const foreign: Record<string, string>[] = [
    { origin: "https://evil.test" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
  ];
  for (const headers of foreign) {
    const { status, headers: answered } = await login(headers);
    expect([status, answered.get("set-cookie")]).toEqual([403, null]);
  }
  expect((await login({ origin: "http://127.0.0.1:3000" })).status).toBe(201);
});

test("cookies are Secure, prefixed with __Host- and for frames of other sites if the settings say so", async () => {
  await using fleet = await createTestCoderd({
    env: {
      CODER_ACCESS_URL: "https://coder.test",
      CODER_HOST_PREFIX_COOKIE: "true",
      CODER_SAMESITE_AUTH_COOKIE: "none",
    },
  });
  const { password } = await fleet.owner();
  const url = fleet.coderd.httpUrl;
  const body = JSON.stringify({ email: "owner@example.com", password });
  const response = await fetch(`${url}/api/v2/users/login`, { method: "POST", body });
  const cookie = response.headers.get("set-cookie")!;
  expect(cookie).toMatch(
    /^__Host-coder_session_token=[^;]+; Path=\/; Max-Age=86400; HttpOnly; SameSite=None; Secure$/,
  );
  const meWith = async (header: string) =>
    (await fetch(`${url}/api/v2/users/me`, { headers: { cookie: header } })).status;
  const [pair = ""] = cookie.split(";");
  expect(await meWith(pair)).toBe(200);
  // One that another host of the domain may have set.
  expect(await meWith(pair.replace("__Host-", ""))).toBe(401);
});

test.each(["CODER_HOST_PREFIX_COOKIE=true", "CODER_SAMESITE_AUTH_COOKIE=none"])(
  "%s needs https",
  (setting) => {
    const [name] = setting.split("=");
    const cookies = { secure: false, sameSite: "lax", hostPrefix: false } as const;
    const changed =
      name === "CODER_HOST_PREFIX_COOKIE" ? { hostPrefix: true } : { sameSite: "none" as const };
    expect(() => createSessionCookies({ ...cookies, ...changed })).toThrow(
      `${name}: requires an https access URL`,
    );
  },
);

test("a user is created with a login type that exists, and only then with a password", async () => {
  await using fleet = await createTestCoderd({ env: { CODER_DISABLE_PASSWORD_AUTH: "true" } });
  const { client } = await fleet.owner();
  const create = (body: object) =>
    client.userCreate({ body: { email: "c@example.com", username: "c", ...body } });
  for (const body of [
    { login_type: "token" },
    { login_type: "oidc", password: "SomeSecurePassword!" },
    { password: "SomeSecurePassword!" },
  ])
    await expect(create(body)).rejects.toMatchObject({ code: "invalid_argument" });
  expect(await create({ login_type: "github" })).toMatchObject({ login_type: "github" });
});

test("a member's user list contains only themselves, with the right count", async () => {
  await using fleet = await createTestCoderd();
  const owner = await fleet.owner();
  for (const username of ["aaron", "abel"]) await fleet.user(owner, { username });
  const zoe = await fleet.user(owner, { username: "zoe" });
  const list = async (query: object) => {
    const { users, count } = await zoe.client.userList({ query });
    return [users.map(({ username }) => username), count];
  };
  expect(await list({ limit: 1 })).toEqual([["zoe"], 1]);
  expect(await list({ limit: 1, offset: 1 })).toEqual([[], 1]);
  expect(await list({ q: "zoe" })).toEqual([["zoe"], 1]);
  expect(await list({ q: "abel" })).toEqual([[], 0]);
});

test("nobody can change the account of a more privileged user", async () => {
  await using fleet = await createTestCoderd();
  const owner = await fleet.owner();
  const admin = await fleet.user(owner, { username: "uma", roles: ["user-admin"] });
  const targets = {
    member: await fleet.user(owner),
    "template-admin": await fleet.user(owner, { roles: ["template-admin"] }),
    "organization-admin": await fleet.user(owner),
    owner,
  };
  await owner.client.memberRolesUpdate({
    params: { organization: "default", user: targets["organization-admin"].id },
    body: { roles: ["organization-admin"] },
  });
  const { client } = admin;
  const changes: Record<string, (params: { user: string }, username: string) => Promise<unknown>> = {
    password: (params) => client.userPasswordUpdate({ params, body: { password: "AnotherPassword!1" } }),
    profile: (params, username) => client.userProfileUpdate({ params, body: { username, name: "x" } }),
    roles: (params) => client.userRolesUpdate({ params, body: { roles: [] } }),
    "quiet hours": (params) =>
      client.userQuietHoursUpdate({ params, body: { schedule: "CRON_TZ=UTC 0 2 * * *" } }),
    "git key": (params) => client.gitSshKeyRegenerate({ params }),
    membership: ({ user }) => client.memberRemove({ params: { organization: "default", user } }),
    suspension: (params) => client.userSuspend({ params }),
    deletion: (params) => client.userDelete({ params }),
  };
  const done: Record<string, string[]> = {};
  for (const [name, { id, username }] of Object.entries(targets)) {
    done[name] = [];
    for (const [what, change] of Object.entries(changes)) {
      const ok = await change({ user: id }, username).then(
        () => true,
        (error: { code: string }) => {
          expect([what, error.code]).toEqual([what, "permission_denied"]);
          return false;
        },
      );
      if (ok) done[name]!.push(what);
    }
  }
  expect(done).toEqual({
    member: ["password", "profile", "quiet hours", "git key", "membership", "suspension", "deletion"],
    "template-admin": ["membership"],
    "organization-admin": [],
    owner: ["membership"],
  });
});

test("a user is created in existing organizations, each once", async () => {
  await using server = await createTestCoderd();
  const { client } = await server.owner();
  const { organization_ids } = await client.userGet({ params: { user: "me" } });
  const [id] = organization_ids as [string];
  const create = (username: string, ids: string[]) =>
    client.userCreate({
      body: {
        email: `${username}@example.com`,
        username,
        password: "Some-Password-1",
        organization_ids: ids,
      },
    });
  const gone = await client.organizationCreate({ body: { name: "gone" } });
  await client.organizationDelete({ params: { organization: gone.id } });
  for (const unknown of [gone.id, "00000000-0000-4000-8000-000000000001"])
    await expect(create("ana", [id, unknown])).rejects.toMatchObject({
      code: "invalid_argument",
      validations: [{ field: "organization_ids" }],
    });
  expect(await create("ana", [id, id])).toMatchObject({ organization_ids: [id] });
});
