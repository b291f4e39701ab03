/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { alerts, choose, fill, press, pressLast } from "../testing/act.js";
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
