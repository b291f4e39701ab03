/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { alerts, fill, press } from "../testing/act.js";
import { ApiError } from "../testing/deployment.js";
import { openPage } from "../testing/page.js";
import { template, version, workspace } from "../testing/samples.js";

const cpus = {
  name: "cpus",
  display_name: "CPUs",
  description: "",
  description_plaintext: "",
  type: "number" as const,
  mutable: true,
  default_value: "2",
  icon: "",
  options: [],
  validation_min: 1,
  validation_max: 8,
  required: false,
  ephemeral: false,
};
const answers = {
  templateList: [template()],
  templateVersionList: [version()],
  templateVersionRichParameters: [cpus],
  templateVersionPresets: [],
  templateVersionExternalAuth: [],
  userAutofillParameters: [],
};

test("server errors are shown at their field; the link's name and values are in the form", async () => {
  const detail = 'A workspace named "dev" already exists.';
  using deployment = openPage("/templates/docker/workspace?name=dev&param.cpus=4", {
    ...answers,
    workspaceCreate: new ApiError(409, detail, [{ field: "name", detail }]),
  });
  await press("Create workspace");
  await screen.findByText(detail);
  expect(alerts()).toEqual([detail]);
  expect(document.activeElement).toBe(screen.getByLabelText("Name"));
  expect(deployment.writes[0]!.body).toMatchObject({
    name: "dev",
    rich_parameter_values: [{ name: "cpus", value: "4" }],
  });
});

test("an invalid value is reported at its parameter, and nothing is sent", async () => {
  using deployment = openPage("/templates/docker/workspace?name=dev", {
    ...answers,
    workspaceCreate: workspace(),
  });
  await fill("CPUs", "9");
  await press("Create workspace");
  expect(alerts()).toHaveLength(1);
  expect(document.activeElement).toBe(screen.getByLabelText("CPUs"));
  expect(deployment.writes).toEqual([]);
});
