/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { alerts, press } from "../testing/act.js";
import { openPage } from "../testing/page.js";
import { template } from "../testing/samples.js";

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
