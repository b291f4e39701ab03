/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { alerts, fill, press } from "../testing/act.js";
import { ApiError } from "../testing/deployment.js";
import { openPage } from "../testing/page.js";
import { uuid } from "../testing/samples.js";

test("the first user's form is validated before it is sent", async () => {
  using deployment = openPage("/setup", {
    userGet: new ApiError(401, "Sign in."),
    userFirst: new ApiError(404, "There is no user."),
    userFirstCreate: { user_id: uuid(1), organization_id: uuid(2) },
  });
  await fill("Username", "ana maria");
  await fill("Email", "nobody");
  await fill("Password", "short");
  await press("Create account");
  expect(alerts()).toEqual([
    "Use letters, digits and single hyphens.",
    "Enter a valid email address.",
    "Use at least 8 characters.",
  ]);
  expect(document.activeElement).toBe(screen.getByLabelText("Username"));
  expect(deployment.writes).toEqual([]);
});
