/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { openPage } from "../testing/page.js";
import { job, template, version } from "../testing/samples.js";

test("a failed import shows its error", async () => {
  using _ = openPage("/templates/docker/versions/v1", {
    templateList: [template()],
    templateVersionGetByName: version({
      job: job({ status: "failed", error: "main.tf:3: no such argument" }),
    }),
  });
  await screen.findByText("main.tf:3: no such argument");
  expect(screen.queryByRole("link", { name: "Create workspace" })).toBeNull();
});
