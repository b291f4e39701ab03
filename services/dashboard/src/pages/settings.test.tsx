/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { openPage } from "../testing/page.js";

test("the settings page starts with the account", async () => {
  using _ = openPage("/settings");
  await screen.findByRole("heading", { name: "Profile" });
  expect(screen.getByRole("link", { name: "Account" }).getAttribute("aria-current")).toBe("page");
});
