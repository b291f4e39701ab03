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
  await screen.findByRole("navigation", { name: "Account" });
});

test("providers are offered under their name, and lead back to the page", async () => {
  using _deployment = openPage("/login?redirect=%2Ftemplates", {
    ...signedOut,
    authMethods: {
      password: { enabled: false },
      github: { enabled: true },
      oidc: { enabled: true, signInText: "Acme SSO", iconUrl: "https://acme.test/icon.svg" },
    },
  });
  const link = await screen.findByRole("link", { name: "Acme SSO" });
  expect(link.getAttribute("href")).toBe("/api/v2/users/oidc/callback?redirect=%2Ftemplates");
  expect(link.querySelector("img")!.getAttribute("src")).toBe("https://acme.test/icon.svg");
  const github = screen.getByRole("link", { name: "Sign in with GitHub" });
  expect(github.getAttribute("href")).toBe("/api/v2/users/oauth2/github/callback?redirect=%2Ftemplates");
  expect(screen.queryByLabelText("Password")).toBeNull();
});
