/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { alerts, press } from "../testing/act.js";
import { ApiError } from "../testing/deployment.js";
import { openPage } from "../testing/page.js";
import { template, uuid, version } from "../testing/samples.js";

test("a duplicate name is reported at the field, before anything is imported", async () => {
  using deployment = openPage("/templates/new?example=docker", {
    templateExampleList: [
      { id: "docker", url: "", name: "Docker", description: "", icon: "", tags: [], markdown: "" },
    ],
    templateGetByName: template(),
  });
  await press("Create template");
  await screen.findByText('A template named "docker" already exists.');
  expect(alerts()).toHaveLength(1);
  expect(document.activeElement).toBe(screen.getByLabelText("Name"));
  expect(deployment.writes).toEqual([]);
});

test("an archive is uploaded and imported under the name of its file", async () => {
  const ended = version({ id: uuid(33) });
  using deployment = openPage("/templates/new?upload=true", {
    templateGetByName: new ApiError(404, "Template not found."),
    fileUpload: { hash: uuid(70) },
    templateVersionCreate: ended,
    templateVersionGet: ended,
    templateCreate: template({ name: "k8s-gpu" }),
    templateList: [template({ name: "k8s-gpu" })],
  });
  await press("Create template");
  await screen.findByText("Choose an archive.");
  const archive = new File([new Uint8Array([80, 75])], "k8s_gpu.zip");
  Object.assign(archive, { bytes: async () => new Uint8Array([80, 75]) });
  const field = await screen.findByLabelText("Archive");
  await act(async () => {
    fireEvent.change(field, { target: { files: [archive] } });
  });
  await press("Create template");
  await waitFor(() => expect(location.pathname).toBe("/templates/k8s-gpu"));
  expect(deployment.writes.map(({ route }) => route)).toEqual([
    "fileUpload",
    "templateVersionCreate",
    "templateCreate",
  ]);
  expect(deployment.writes[1]!.body).toMatchObject({ file_id: uuid(70), message: "From k8s_gpu.zip." });
  expect(deployment.writes[2]!.body).toMatchObject({ name: "k8s-gpu", template_version_id: uuid(33) });
});
