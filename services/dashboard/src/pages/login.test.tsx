/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { alerts, fill, press } from "../testing/act.js";
import { ApiError } from "../testing/deployment.js";
import { openPage } from "../testing/page.js";
import { user } from "../testing/samples.js";

const signedOut = {
  userGet: new ApiError(401, "Sign in."),
  authMethods: {
    password: { enabled: true },
    github: { enabled: false },
    oidc: { enabled: false, signInText: "", iconUrl: "" },
  },
};

test("a wrong password is reported once; a right one returns to the previous page", async () => {
  using deployment = openPage("/login?redirect=%2Fsettings%2Faccount", {
    ...signedOut,
    login: new ApiError(401, "Incorrect email or password."),
  });
  await press("Sign in");
  expect(alerts()).toEqual(["This field is required.", "This field is required."]);
  await fill("Email", "ana@example.com");
  await fill("Password", "wrong");
  await press("Sign in");
  expect(alerts()).toEqual(["Incorrect email or password."]);
  deployment.answer({ login: { session_token: "abc" }, userGet: user });
  await press("Sign in");
  await screen.findByRole("heading", { name: "Settings" });
});
