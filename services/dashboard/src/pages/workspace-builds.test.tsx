/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { openPage } from "../testing/page.js";
import { build, uuid, workspace } from "../testing/samples.js";

test("each build shows its initiator and links to its page", async () => {
  using _ = openPage("/@ana/dev/builds", {
    workspaceGetByName: workspace(),
    workspaceBuildList: [
      build({ id: uuid(51), build_number: 2, transition: "stop", status: "stopped", reason: "autostop" }),
      build({ reason: "cli" }),
    ],
  });
  await screen.findByText(/^by autostop/);
  screen.getByText(/^by ana, from the CLI/);
  expect(screen.getByRole("link", { name: "Stop" }).getAttribute("href")).toBe("/@ana/dev/builds/2");
});
