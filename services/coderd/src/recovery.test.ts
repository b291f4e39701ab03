import { recover } from "./recovery.js";
import { createTestCoderd } from "./testing/coderd.js";

const CHEAP = { ln: 4, r: 8, p: 1 };
const NEW = "Another-password-1";

test("an operator resets a password, and creates an owner, without signing in", async () => {
  await using fleet = await createTestCoderd();
  const owner = await fleet.owner();
  const url = fleet.config.CODER_PG_CONNECTION_URL;
  const login = (email: string) => fleet.anonymous.login({ body: { email, password: NEW } });

  await recover(url, { command: "reset-password", user: "OWNER", password: NEW }, CHEAP);
  await expect(owner.client.userGet({ params: { user: "me" } })).rejects.toMatchObject({
    code: "unauthenticated",
  });
  const { session_token } = await login("owner@example.com");

  const admin = { command: "create-admin-user", username: "root", email: "root@example.com" } as const;
  await recover(url, { ...admin, password: NEW }, CHEAP);
  const root = fleet.clientOf((await login("root@example.com")).session_token);
  const me = await root.userGet({ params: { user: "me" } });
  expect(me).toMatchObject({ username: "root", status: "active", roles: [{ name: "owner" }] });
  expect(me.organization_ids).toHaveLength(1);

  await expect(recover(url, { ...admin, password: NEW }, CHEAP)).rejects.toMatchObject({
    code: "already_exists",
  });
  const reset = (user: string, password = NEW) =>
    recover(url, { command: "reset-password", user, password }, CHEAP);
  await expect(reset("nobody")).rejects.toMatchObject({ code: "not_found" });
  await expect(reset("owner", "short")).rejects.toMatchObject({ code: "invalid_argument" });
  await fleet.clientOf(session_token).userCreate({
    body: { email: "ana@example.com", username: "ana", login_type: "oidc" },
  });
  await expect(reset("ana")).rejects.toMatchObject({ message: expect.stringContaining("has no password") });
});
