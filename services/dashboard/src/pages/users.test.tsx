/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { alerts, choose, fill, open, press, pressLast } from "../testing/act.js";
import { ApiError } from "../testing/deployment.js";
import { openPage } from "../testing/page.js";
import { user, uuid } from "../testing/samples.js";

const other = { ...user, id: uuid(9), username: "bea", name: "Bea" };
const answers = { userList: { users: [user, other], count: 2 } };

test("a user is created, and a duplicate name is reported at its field", async () => {
  const detail = "This username is taken.";
  using deployment = openPage("/users", {
    ...answers,
    userCreate: new ApiError(409, detail, [{ field: "username", detail }]),
  });
  await press("Create user");
  await fill("Username", "bea");
  await fill("Email", "bea@example.com");
  await fill("Password", "Correct-horse-1");
  await pressLast("Create user");
  await screen.findByText(detail);
  expect(alerts()).toEqual([detail]);
  expect(deployment.writes).toHaveLength(1);
});

test("suspending a user asks for confirmation", async () => {
  using deployment = openPage("/users", { ...answers, userSuspend: { ...other, status: "suspended" } });
  await choose("More actions for bea", "Suspend…");
  expect(deployment.writes).toEqual([]);
  await press("Suspend user");
  expect(deployment.writes.map(({ path }) => path)).toEqual([`/api/v2/users/${uuid(9)}/status/suspend`]);
});

test("a service account needs no email; its sign-in is with tokens", async () => {
  const bot = { ...other, username: "bot", is_service_account: true, login_type: "none" as const };
  using deployment = openPage("/users?q=service_account:true", {
    userList: { users: [bot], count: 1 },
    userPasswordUpdate: undefined,
    tokenConfig: { max_token_lifetime: 365 * 86_400_000_000_000 },
    tokenCreate: { key: "abc-secret" },
  });
  await choose("More actions for bot", "Create token…");
  await fill("Name", "ci");
  await pressLast("Create token");
  await screen.findByText("abc-secret");
  expect(deployment.writes.map(({ path }) => path)).toEqual([`/api/v2/users/${uuid(9)}/keys/tokens`]);
});

test("a new password for a user is generated and can be copied", async () => {
  using deployment = openPage("/users", { ...answers, userPasswordUpdate: undefined });
  await choose("More actions for bea", "Reset password…");
  await press("Generate");
  const shown = (await screen.findByLabelText<HTMLInputElement>("New password")).value;
  expect(shown).toMatch(/^[A-Za-z2-9]{20}$/);
  await press("Reset password");
  await screen.findByText("Password of bea changed.");
  expect(deployment.writes.map(({ body }) => body)).toEqual([{ password: shown }]);
});

test("an administrator cannot suspend or delete themselves", async () => {
  using _ = openPage("/users", answers);
  await open("More actions for ana");
  const items = (await screen.findAllByRole("menuitem")).map(({ textContent }) => textContent);
  expect(items).toEqual(["View workspaces", "View activity", "Edit roles…"]);
});
