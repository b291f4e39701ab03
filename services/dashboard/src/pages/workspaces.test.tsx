/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { openPage } from "../testing/page.js";
import { workspace } from "../testing/samples.js";

test("the list shows each workspace with its status", async () => {
  using _ = openPage("/workspaces", { workspaceList: { workspaces: [workspace()], count: 1 } });
  await screen.findByRole("link", { name: "dev" });
  screen.getByText("Running");
});
