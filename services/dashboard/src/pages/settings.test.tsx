/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen, within } from "@testing-library/react";
import { openPage } from "../testing/page.js";

test("the settings page starts with the account", async () => {
  using _ = openPage("/settings");
  await screen.findByRole("heading", { name: "Profile" });
  const sections = within(screen.getByRole("navigation", { name: "Account" }));
  expect(sections.getByRole("link", { name: "Account" }).getAttribute("aria-current")).toBe("page");
});
