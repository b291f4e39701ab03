/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { choose, press } from "../testing/act.js";
import { openPage } from "../testing/page.js";
import { agent, build, workspace } from "../testing/samples.js";

const listOf = (one: ReturnType<typeof workspace>) => ({
  workspaceList: { workspaces: [one], count: 1 },
});

test("a running workspace can be opened; stopping it asks for confirmation", async () => {
  using deployment = openPage("/workspaces", listOf(workspace()));
  await screen.findByRole("link", { name: "dev" });
  screen.getByText("Running");
  screen.getByRole("button", { name: "Open dev" });
  expect(screen.queryByRole("button", { name: "Stop" })).toBeNull();
  await choose("More actions for dev", "Stop…");
  await screen.findByRole("dialog", { name: "Stop dev?" });
  expect(deployment.writes).toEqual([]);
  deployment.answer({ workspaceBuildCreate: build({ transition: "stop", status: "stopping" }) });
  await press("Stop workspace");
  expect(deployment.writes.map(({ body }) => body)).toEqual([{ reason: "dashboard", transition: "stop" }]);
});

test("a workspace whose agent has not connected yet is connecting, not unhealthy", async () => {
  const coming = workspace({ latest_build: build({}, [agent({ status: "connecting" })]) });
  using _ = openPage("/workspaces", listOf(coming));
  await screen.findByText("Connecting");
  expect(screen.queryByText("Unhealthy")).toBeNull();
  expect(screen.queryByRole("button", { name: "Open dev" })).toBeNull();
});
