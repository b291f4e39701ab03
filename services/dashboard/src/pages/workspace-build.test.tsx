/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { act, screen } from "@testing-library/react";
import { openPage } from "../testing/page.js";
import { build, TIME, workspace } from "../testing/samples.js";

test("a build shows its parameters and follows its log", async () => {
  using deployment = openPage("/@ana/dev/builds/1", {
    workspaceGetByName: workspace(),
    workspaceBuildParameters: [{ name: "cpus", value: "4" }],
    workspaceBuildTimings: {
      provisioner_timings: [],
      agent_script_timings: [],
      agent_connection_timings: [],
    },
  });
  await screen.findByText("cpus");
  const log = deployment.streams.find(({ url }) => url.includes(`workspacebuilds/${build().id}/logs`));
  await act(async () => {
    for (let id = 1; id <= 7_000; id++)
      log!.send({
        id,
        created_at: TIME,
        log_source: "provisioner",
        log_level: "info",
        stage: "Plan",
        output: `line ${id}`,
      });
  });
  const well = await screen.findByRole("log", { name: "Build log" });
  // All lines are kept, but only visible ones are rendered.
  expect(well.textContent).not.toMatch(/earlier lines/);
  expect(well.querySelectorAll("time").length).toBeLessThan(200);
});

test("a build that has ended shows the warnings of policies, and not what is only recorded", async () => {
  const judged = (policy_name: string, mode: "warn" | "dry", outcome: "violated" | "passed" | "error") => ({
    policy_id: crypto.randomUUID(),
    policy_name,
    policy_version: 1,
    scope: "deployment" as const,
    mode,
    outcome,
    message: `About ${policy_name}.`,
  });
  using _deployment = openPage("/@ana/dev/builds/1", {
    workspaceGetByName: workspace(),
    workspaceBuildParameters: [],
    workspaceBuildTimings: {
      provisioner_timings: [],
      agent_script_timings: [],
      agent_connection_timings: [],
    },
    workspaceBuildPolicies: [
      judged("tags", "warn", "violated"),
      judged("cost", "warn", "error"),
      judged("types", "warn", "passed"),
      judged("gpu", "dry", "violated"),
    ],
  });
  await screen.findByText("tags: About tags.");
  screen.getByText("cost: could not be evaluated: About cost.");
  expect(screen.queryByText(/types|gpu/)).toBeNull();
});
