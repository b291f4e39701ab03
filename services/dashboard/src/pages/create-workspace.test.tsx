/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import type { DynamicParametersRequest } from "@fleet/sdk";
import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { alerts, fill, press } from "../testing/act.js";
import { type Answers, ApiError } from "../testing/deployment.js";
import { evaluateClouds } from "../testing/dynamic.js";
import { openPage } from "../testing/page.js";
import { template, uuid, version, workspace } from "../testing/samples.js";

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
  templateList: [template({ use_classic_parameter_flow: true })],
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

const dynamic: Answers = {
  ...answers,
  templateList: [template()],
  templateVersionDynamicParameters: ({ body }) => evaluateClouds(body as DynamicParametersRequest),
  workspaceCreate: workspace(),
};

async function pick(name: string): Promise<void> {
  const radio = await screen.findByRole("radio", { name });
  await act(async () => {
    fireEvent.click(radio);
  });
}

test("a dynamic form shows the fields and options that exist for the values, and keeps what was typed", async () => {
  using deployment = openPage("/templates/docker/workspace?name=dev", dynamic);
  await screen.findByRole("radio", { name: "eu-west-1" });
  await pick("hetzner");
  await pick("nbg1");
  expect(screen.queryByRole("radio", { name: "eu-west-1" })).toBeNull();
  await fill("size", "large");
  await fill("model", "a100");
  await fill("size", "small");
  await waitFor(() => expect(screen.queryByLabelText("model")).toBeNull());
  await fill("size", "large");
  expect(((await screen.findByLabelText("model")) as HTMLInputElement).value).toBe("a100");
  await press("Create workspace");
  await waitFor(() => expect(deployment.writes).toHaveLength(1));
  expect(deployment.writes[0]!.body).toMatchObject({
    rich_parameter_values: [
      { name: "cloud", value: "hetzner" },
      { name: "region", value: "nbg1" },
      { name: "size", value: "large" },
      { name: "model", value: "a100" },
    ],
  });
});

test("a dynamic form reports a missing value at its field when it is submitted, and what the template says", async () => {
  const warning = { severity: "warning" as const, summary: "Beta", detail: "", extra: { code: "" } };
  using deployment = openPage("/templates/docker/workspace?name=dev&param.size=large", {
    ...dynamic,
    templateVersionDynamicParameters: ({ body }) => ({
      ...evaluateClouds(body as DynamicParametersRequest),
      diagnostics: [warning],
    }),
  });
  await screen.findByLabelText("model");
  await screen.findByText("Beta");
  expect(alerts()).toEqual([]);
  await press("Create workspace");
  expect(alerts()).toEqual(["A value is required."]);
  expect(document.activeElement).toBe(screen.getByLabelText("model"));
  expect(deployment.writes).toEqual([]);
});

test("a form goes on with its values when the connection is lost", async () => {
  using deployment = openPage("/templates/docker/workspace?name=dev", dynamic);
  await fill("size", "large");
  await fill("model", "a100");
  const forms = () => deployment.streams.filter(({ url }) => url.includes("dynamic-parameters"));
  await act(async () => forms()[0]!.break());
  await waitFor(() => expect(forms()).toHaveLength(2));
  await waitFor(() =>
    expect(forms()[1]!.received).toMatchObject([{ inputs: { size: "large", model: "a100" } }]),
  );
  expect((screen.getByLabelText("model") as HTMLInputElement).value).toBe("a100");
});

test("a preset holds until one of its values is changed", async () => {
  const preset = (number: number, name: string, region: string) => ({
    ID: uuid(number),
    Name: name,
    Parameters: [
      { Name: "cloud", Value: "hetzner" },
      { Name: "region", Value: region },
    ],
    Default: number === 41,
  });
  using deployment = openPage("/templates/docker/workspace?name=dev", {
    ...dynamic,
    templateVersionPresets: [preset(41, "Falkenstein", "fsn1")] as never,
  });
  const region = await screen.findByRole("radio", { name: "fsn1" });
  expect(region.getAttribute("aria-checked")).toBe("true");
  await press("Create workspace");
  await waitFor(() => expect(deployment.writes).toHaveLength(1));
  expect(deployment.writes[0]!.body).toMatchObject({ template_version_preset_id: uuid(41) });
});

test("a value that differs from the preset is sent without the preset, which would override it", async () => {
  using deployment = openPage("/templates/docker/workspace?name=dev", {
    ...dynamic,
    templateVersionPresets: [
      { ID: uuid(41), Name: "Falkenstein", Parameters: [{ Name: "size", Value: "medium" }], Default: true },
    ] as never,
  });
  await fill("size", "small");
  await press("Create workspace");
  await waitFor(() => expect(deployment.writes).toHaveLength(1));
  expect(deployment.writes[0]!.body).not.toHaveProperty("template_version_preset_id");
  expect(deployment.writes[0]!.body).toMatchObject({
    rich_parameter_values: expect.arrayContaining([{ name: "size", value: "small" }]),
  });
});

test("a new workspace takes the version of a rollout that covers all workspaces", async () => {
  const next = uuid(77);
  const at = "2030-01-01T00:00:00Z";
  const rollout = {
    id: uuid(78),
    template_id: template().id,
    former_version_id: template().active_version_id,
    former_version_name: "v1",
    template_version_id: next,
    template_version_name: "v2",
    status: "running" as const,
    reason: "",
    steps: [100],
    step: 0,
    percent: 100,
    pause_ms: 0,
    max_failure_percent: 20,
    min_samples: 3,
    step_started_at: at,
    next_step_at: at,
    initiator_id: uuid(1),
    initiator_name: "admin",
    created_at: at,
    ended_at: null,
  };
  using deployment = openPage("/templates/docker/workspace?name=dev", {
    ...answers,
    rolloutList: [rollout],
    workspaceCreate: workspace(),
  });
  await press("Create workspace");
  await waitFor(() => expect(deployment.writes[0]?.body).toMatchObject({ template_version_id: next }));
});
