/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { choose, fill, press, pressLast } from "../testing/act.js";
import { openPage } from "../testing/page.js";
import { build, job, uuid, workspace } from "../testing/samples.js";

test("without a provisioner it says how to start one; a job links to its template version", async () => {
  using _ = openPage("/deployment/provisioners", {
    provisionerDaemonList: [],
    provisionerKeyDaemonList: [],
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
    provisionerKeyDaemonList: [],
    provisionerJobList: ({ query }) => (query.get("status") === "running" ? [running] : []),
    workspaceBuildGet: build(),
    workspaceBuildCancel: { message: "Canceled." },
    workspaceGetByName: workspace(),
  });
  await choose(/Actions for workspace build/, "Cancel job…");
  expect(deployment.writes).toEqual([]);
  await press("Cancel job");
  expect(deployment.writes.map(({ route }) => route)).toEqual(["workspaceBuildCancel"]);
  await choose(/Actions for workspace build/, "View log");
  await screen.findByRole("heading", { name: /^Start, build 1/ });
  expect(location.pathname).toBe("/@ana/dev/builds/1");
});

test("a member is told that they have no access to the page", async () => {
  using _ = openPage("/deployment/provisioners", {
    authCheck: ({ body }) =>
      Object.fromEntries(Object.keys((body as { checks: object }).checks).map((name) => [name, false])),
  });
  await screen.findByText("You do not have access to this page");
});

test("a key is shown once; its tags have to be pairs", async () => {
  using deployment = openPage("/deployment/provisioners", {
    provisionerDaemonList: [],
    provisionerJobList: [],
    provisionerKeyDaemonList: [],
    provisionerKeyCreate: { key: "secret-key" },
  });
  await press("Create key");
  await fill("Name", "gpu");
  await fill(/Tags/, "gpu");
  await pressLast("Create key");
  await screen.findByText("Enter tags as key=value, one on each line.");
  await fill(/Tags/, "gpu=true\nregion=eu=1");
  await pressLast("Create key");
  await screen.findByText("secret-key");
  expect(deployment.writes.map(({ body }) => body)).toEqual([
    { name: "gpu", tags: { gpu: "true", region: "eu=1" } },
  ]);
});
