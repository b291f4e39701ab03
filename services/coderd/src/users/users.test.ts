import { createTestCoderd } from "../testing/coderd.js";

test("the first user is made once, owns the deployment and signs in", async () => {
  await using fleet = await createTestCoderd();
  await expect(fleet.anonymous.userFirst()).rejects.toMatchObject({ code: "not_found" });
  const owner = await fleet.owner();
  const me = await owner.client.userGet({ params: { user: "me" } });
  expect(me).toMatchObject({ username: "owner", status: "active", roles: [{ name: "owner" }] });
  expect(me.organization_ids).toHaveLength(1);
  const again = fleet.anonymous.userFirstCreate({
    body: { email: "b@example.com", username: "b", password: "AnotherPass1!" },
  });
  await expect(again).rejects.toMatchObject({ code: "conflict" });
});

test("a wrong password and an unknown address are told in the same words", async () => {
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

test("a member neither sees other users nor makes any", async () => {
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

test("a name that is taken, reserved or misspelt is refused at its field", async () => {
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

test("a cookie session is refused to another site", async () => {
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
