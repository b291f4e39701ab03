/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { alerts, fill, press } from "../testing/act.js";
import { ApiError } from "../testing/deployment.js";
import { openPage } from "../testing/page.js";

test("a wrong password is reported once, at the field, without its wire name", async () => {
  const detail = "This is not the current password.";
  using deployment = openPage("/settings/account", {
    userPasswordUpdate: new ApiError(400, detail, [{ field: "old_password", detail }]),
  });
  await fill("Current password", "wrong");
  await fill("New password", "Correct-horse-1");
  await press("Change password");
  await screen.findByText(detail);
  expect(alerts()).toEqual([detail]);
  expect(document.body.textContent).not.toContain("old_password");
  expect(document.activeElement).toBe(screen.getByLabelText("Current password"));
  expect(deployment.writes.map(({ body }) => body)).toEqual([
    { old_password: "wrong", password: "Correct-horse-1" },
  ]);
});
