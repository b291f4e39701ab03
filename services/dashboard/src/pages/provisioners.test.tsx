/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { openPage } from "../testing/page.js";
import { job } from "../testing/samples.js";

test("without a provisioner it says how to start one; a job leads to its template version", async () => {
  using _ = openPage("/deployment/provisioners", {
    provisionerDaemonList: [],
    provisionerJobList: [job({ type: "template_version_import" })],
  });
  await screen.findByText("coder provisioner start");
  expect((await screen.findByRole("link", { name: "v1" })).getAttribute("href")).toBe(
    "/templates/docker/versions/v1",
  );
  expect(document.body.textContent).not.toMatch(/scope=organization|owner=/);
});
