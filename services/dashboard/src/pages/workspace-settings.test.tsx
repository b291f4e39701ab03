/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import type { DynamicParametersRequest } from "@fleet/sdk";
import { screen, waitFor } from "@testing-library/react";
import { alerts, fill, press } from "../testing/act.js";
import { ApiError } from "../testing/deployment.js";
import { evaluated } from "../testing/dynamic.js";
import { openPage } from "../testing/page.js";
import { build, template, uuid, workspace } from "../testing/samples.js";

const greeting = {
  name: "greeting",
  description: "",
  description_plaintext: "",
  type: "string" as const,
  mutable: true,
  default_value: "",
  icon: "",
  options: [],
  required: false,
  ephemeral: false,
};
const answers = {
  workspaceGetByName: workspace(),
  templateList: [template()],
  templateVersionRichParameters: [greeting],
  workspaceBuildParameters: [{ name: "greeting", value: "Hello" }],
};

test("changed parameters are applied by one restart request", async () => {
  using deployment = openPage("/@ana/dev/settings", {
    ...answers,
    workspaceBuildCreate: build({ transition: "stop", status: "stopping" }),
  });
  await fill(/greeting/, "Moin");
  await press("Apply and restart");
  expect(deployment.writes.map(({ body }) => body)).toEqual([
    {
      reason: "dashboard",
      transition: "start",
      restart: true,
      rich_parameter_values: [{ name: "greeting", value: "Moin" }],
      template_version_id: uuid(31),
    },
  ]);
});

test("a dynamic form starts with the workspace's values, fixes immutable ones, and sends what was changed", async () => {
  using deployment = openPage("/@ana/dev/settings", {
    ...answers,
    workspaceGetByName: workspace({ template_use_classic_parameter_flow: false }),
    workspaceBuildParameters: [
      { name: "region", value: "eu" },
      { name: "greeting", value: "Hello" },
    ],
    templateVersionDynamicParameters: ({ body }) => {
      const { id, inputs } = body as DynamicParametersRequest;
      return {
        id,
        diagnostics: [],
        parameters: [
          evaluated("region", inputs.region, { mutable: false, fallback: "us" }),
          evaluated("greeting", inputs.greeting, { fallback: "" }),
          ...(inputs.greeting === "Moin" ? [evaluated("name", inputs.name, { fallback: "Ana" })] : []),
        ],
      };
    },
    workspaceBuildCreate: build({ transition: "stop", status: "stopping" }),
  });
  const region = (await screen.findByLabelText(/region/)) as HTMLInputElement;
  expect(region).toMatchObject({ value: "eu", disabled: true });
  screen.getByText("Cannot be changed after the workspace is created.");
  await fill(/greeting/, "Moin");
  await screen.findByLabelText(/name/, { selector: "[name=name][value=Ana]" });
  await press("Apply and restart");
  await waitFor(() => expect(deployment.writes).toHaveLength(1));
  expect(deployment.writes[0]!.body).toMatchObject({
    rich_parameter_values: [{ name: "greeting", value: "Moin" }],
  });
});

test("a refused restart is reported in the form, and the page stays", async () => {
  using _ = openPage("/@ana/dev/settings", {
    ...answers,
    workspaceBuildCreate: new ApiError(400, "Too short.", [{ field: "greeting", detail: "Too short." }]),
  });
  await fill(/greeting/, "M");
  await press("Apply and restart");
  await screen.findByText("Too short.");
  expect(alerts()).toEqual(["Too short."]);
  expect(location.pathname).toBe("/@ana/dev/settings");
});

test("an invalid autostop is reported at its field", async () => {
  using deployment = openPage("/@ana/dev/settings", answers);
  await fill("Autostop after (hours)", "900");
  await press("Save");
  expect(alerts()).toEqual(["Must be at most 720."]);
  expect(deployment.writes).toEqual([]);
});
