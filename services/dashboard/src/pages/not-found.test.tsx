/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { openPage } from "../testing/page.js";

test("an address that is none says so, and leads on", async () => {
  using _ = openPage("/settings/nothing");
  await screen.findByText("Page not found");
  screen.getByRole("link", { name: "Go to workspaces" });
});
