/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { FORBIDDEN } from "../testing/forbidden.js";
import { openPage } from "../testing/page.js";

test.each([
  "/users",
  "/groups",
  "/organizations",
  "/audit",
  "/connectionlog",
  "/deployment/provisioners",
  "/deployment/proxies",
  "/deployment/health",
  "/deployment/settings",
  "/deployment/appearance",
  "/deployment/notifications",
  "/deployment/webhooks",
  "/deployment/policies",
  "/deployment/oauth2-apps",
  "/deployment/idp-sync",
  "/deployment/licenses",
])("%s says to somebody without permissions that it is not for them, and asks for nothing", async (path) => {
  using deployment = openPage(path, FORBIDDEN);
  await screen.findByText("You do not have access to this page");
  expect(screen.queryByRole("link", { name: "Admin" })).toBeNull();
  expect(deployment.writes).toEqual([]);
});
