/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { alerts, blur, click, fill, pick, press } from "../testing/act.js";
import { ApiError } from "../testing/deployment.js";
import { openPage } from "../testing/page.js";
import { template, user, uuid, version } from "../testing/samples.js";

const answers = { templateList: [template()], templateVersionGet: version() };

test("a name is checked while it is typed, and saved with the other settings", async () => {
  using deployment = openPage("/templates/docker/settings/general", {
    ...answers,
    templateGetByName: ({ path }) =>
      path.endsWith("/taken") ? template({ name: "taken" }) : new ApiError(404, "Template not found."),
    templateUpdate: template({ name: "podman" }),
  });
  await fill("Name", "no good");
  expect(alerts()).toEqual(["Use letters, digits and single hyphens."]);
  await fill("Name", "taken");
  await screen.findByText('A template named "taken" already exists.');
  await fill("Name", "podman");
  await fill(/Description/, "Runs in Podman.");
  await pick(/Require the active version/);
  deployment.answer({ templateList: [template({ name: "podman" })] });
  await press("Save");
  await screen.findByText("Settings saved.");
  expect(location.pathname).toBe("/templates/podman/settings/general");
  expect(deployment.writes[0]!.body).toMatchObject({
    name: "podman",
    description: "Runs in Podman.",
    require_active_version: true,
    max_port_share_level: "public",
  });
});

test("the schedule is sent in milliseconds and days; autostart needs a day", async () => {
  using deployment = openPage("/templates/docker/settings/schedule", {
    ...answers,
    templateList: [
      template({
        autostart_requirement: { days_of_week: ["monday"] },
        activity_kinds: ["sessions"],
        activity_cpu_percent: 20,
      }),
    ],
    templateUpdate: template(),
  });
  await fill("Stop after", "8");
  await fill("Dormant when unused for", "1.5");
  // Required stops come first, the days of autostart second.
  const day = async (name: string, index: 0 | 1) =>
    click((await screen.findAllByRole("button", { name }))[index]);
  await day("Mon", 1);
  await press("Save");
  await screen.findByText("Choose at least one day, or turn autostart off.");
  expect(deployment.writes).toEqual([]);
  await day("Fri", 1);
  await day("Sat", 0);
  await fill("Every how many weeks", "2");
  await pick(/^Processes/);
  await fill("Processes count from", "150");
  await press("Save");
  await screen.findByText("Settings saved.");
  expect(deployment.writes[0]!.body).toMatchObject({
    default_ttl_ms: 28_800_000,
    activity_bump_ms: 3_600_000,
    time_til_dormant_ms: 129_600_000,
    autostart_requirement: { days_of_week: ["friday"] },
    autostop_requirement: { days_of_week: ["saturday"], weeks: 2 },
    activity_kinds: ["sessions", "processes"],
    activity_cpu_percent: 150,
    wake_on: [],
  });
});

test("a user gets access, and loses it", async () => {
  const bea = { ...user, id: uuid(9), username: "bea", email: "bea@example.com" };
  using deployment = openPage("/templates/docker/settings/permissions", {
    ...answers,
    templateAcl: { users: [{ ...user, role: "admin" }], group: [] },
    templateAclAvailable: { users: [user, bea], groups: [] },
    templateAclUpdate: { message: "Updated." },
  });
  await fill("Add a user or group", "be");
  const options = await screen.findAllByRole("option");
  expect(options.map(({ textContent }) => textContent)).toEqual(["beabea@example.com"]);
  await click(options[0]);
  await press("Remove ana");
  expect(deployment.writes.map(({ body }) => body)).toEqual([
    { user_perms: { [uuid(9)]: "use" } },
    { user_perms: { [user.id]: "" } },
  ]);
});

test("a number is checked when its field is left; saving imports a version and activates it", async () => {
  const variable = { description: "", default_value: "", required: true, sensitive: false };
  using deployment = openPage("/templates/docker/settings/variables", {
    ...answers,
    templateVersionVariables: [
      { ...variable, name: "cpus", type: "number", value: "2" },
      { ...variable, name: "token", type: "string", value: "", sensitive: true },
    ],
    templateVersionCreate: version({ id: uuid(33), name: "v3" }),
    templateVersionPromote: { message: "Promoted." },
  });
  await fill("cpus", "four");
  await blur("cpus");
  expect(alerts()).toEqual(["Enter a number."]);
  await fill("cpus", "4");
  await press("Save and activate");
  await screen.findByText("Version v1 is active.");
  expect(deployment.writes.map(({ route, body }) => [route, body])).toEqual([
    [
      "templateVersionCreate",
      expect.objectContaining({ user_variable_values: [{ name: "cpus", value: "4" }], file_id: uuid(11) }),
    ],
    ["templateVersionPromote", { id: uuid(31) }],
  ]);
});

test("somebody who may not change the template is told whom to ask", async () => {
  using _ = openPage("/templates/docker/settings", {
    ...answers,
    authCheck: ({ body }) =>
      Object.fromEntries(Object.keys((body as { checks: object }).checks).map((name) => [name, false])),
  });
  await screen.findByText("You cannot change this template");
});
