/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { choose, fill, open, pick, press } from "../testing/act.js";
import { openPage } from "../testing/page.js";
import { rollout, template, uuid, version } from "../testing/samples.js";

const other = version({ id: uuid(32), name: "v2", message: "Adds **Go**." });
const answers = {
  templateList: [template()],
  templateVersionGet: version(),
  templateVersionList: [version(), other],
  templateVersionPromote: { message: "Promoted." },
  templateVersionUpdate: other,
  templateVersionArchive: { message: "Archived." },
};

test("a version is activated at once, with the message that is entered", async () => {
  using deployment = openPage("/templates/docker/versions", answers);
  expect((await screen.findByText("Go")).tagName).toBe("STRONG");
  await choose("More actions for v2", "Activate…");
  await fill(/Message/, "Adds Go 1.24.");
  expect(deployment.writes).toEqual([]);
  await press("Activate version");
  await screen.findByText("Version v2 is active.");
  expect(deployment.writes.map(({ route, body }) => [route, body])).toEqual([
    ["templateVersionUpdate", { message: "Adds Go 1.24." }],
    ["templateVersionPromote", { id: uuid(32) }],
  ]);
});

test("a rollout starts with ascending steps only", async () => {
  using deployment = openPage("/templates/docker/versions", {
    ...answers,
    rolloutCreate: ({ body }) => ({ ...rollout, ...(body as object) }),
  });
  await choose("More actions for v2", "Activate…");
  await pick(/Step by step/);
  await fill("Steps", "50, 10");
  await press("Start rollout");
  await screen.findByText("Enter percentages in ascending order, such as 10, 50, 100.");
  await fill("Steps", "10, 50");
  await press("Start rollout");
  await screen.findByText("Rollout of v2 started.");
  expect(deployment.writes.map(({ body }) => body)).toEqual([
    { template_version_id: uuid(32), steps: [10, 50], pause_ms: 1_800_000, max_failure_percent: 20 },
  ]);
});

test("the active version has no act that would take it away", async () => {
  using deployment = openPage("/templates/docker/versions", answers);
  await choose("More actions for v2", "Archive");
  await screen.findByText("v2 archived.");
  expect(deployment.writes.map(({ path }) => path)).toEqual([`/api/v2/templateversions/${uuid(32)}/archive`]);
  await open("More actions for v1");
  expect((await screen.findAllByRole("menuitem")).map(({ textContent }) => textContent)).toEqual([
    "Edit name and message…",
  ]);
});
