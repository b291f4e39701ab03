/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { press } from "../testing/act.js";
import { openPage } from "../testing/page.js";
import { build, job, uuid, workspace } from "../testing/samples.js";

test("without a provisioner it says how to start one; a job links to its template version", async () => {
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

test("a job links to its log, and a running job can be canceled after confirmation", async () => {
  const running = job({
    status: "running",
    completed_at: undefined,
    input: { workspace_build_id: uuid(30) },
  });
  using deployment = openPage("/deployment/provisioners?status=running", {
    provisionerDaemonList: [],
    provisionerJobList: ({ query }) => (query.get("status") === "running" ? [running] : []),
    workspaceBuildGet: build(),
    workspaceBuildCancel: { message: "Canceled." },
    workspaceGetByName: workspace(),
  });
  await press("Cancel");
  expect(deployment.writes).toEqual([]);
  await press("Cancel job");
  expect(deployment.writes.map(({ route }) => route)).toEqual(["workspaceBuildCancel"]);
  await press("View log");
  await screen.findByRole("heading", { name: /^Start, build 1/ });
  expect(location.pathname).toBe("/@ana/dev/builds/1");
});

test("a member is told that they have no access to the page", async () => {
  using _ = openPage("/deployment/provisioners", {
    authCheck: ({ body }) =>
      Object.fromEntries(Object.keys((body as { checks: object }).checks).map((name) => [name, false])),
  });
  await screen.findByText("You do not have access to provisioners");
});
