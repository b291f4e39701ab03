/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { openPage } from "../testing/page.js";

test("an unknown path says so, and links to the start page", async () => {
  using _ = openPage("/settings/nothing");
  await screen.findByText("Page not found");
  screen.getByRole("link", { name: "Go to workspaces" });
});
