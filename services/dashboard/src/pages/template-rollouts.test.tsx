/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { press } from "../testing/act.js";
import { openPage } from "../testing/page.js";
import { rollout, template, uuid } from "../testing/samples.js";

test("a stopped rollout says why and who failed; it is aborted after a question", async () => {
  const stopped = { ...rollout, status: "stopped" as const, percent: 0, reason: "2 of 3 workspaces failed." };
  using deployment = openPage("/templates/docker/rollouts", {
    templateList: [template()],
    rolloutList: [stopped, { ...rollout, id: uuid(51), status: "finished" }],
    rolloutGet: {
      rollout: stopped,
      workspaces: 30,
      share: 0,
      succeeded: 1,
      failed: 2,
      undecided: 0,
      waiting: "",
      failures: [
        {
          workspace_id: uuid(40),
          workspace_name: "dev",
          workspace_owner_name: "ana",
          build_id: uuid(30),
          failure: "script",
          error: "Script install exited with 2.",
        },
      ],
    },
    rolloutAbort: { ...rollout, status: "aborted" },
  });
  await screen.findByText(/2 of 3 workspaces failed\./);
  expect((await screen.findByRole("link", { name: "ana/dev" })).getAttribute("href")).toBe("/@ana/dev");
  await screen.findByText("Script install exited with 2.");
  await press("Abort…");
  expect(deployment.writes).toEqual([]);
  await press("Abort rollout");
  expect(deployment.writes.map(({ route }) => route)).toEqual(["rolloutAbort"]);
});

test("without a rollout it says how to start one", async () => {
  using _ = openPage("/templates/docker/rollouts", { templateList: [template()], rolloutList: [] });
  const link = await screen.findByRole("link", { name: "activating a version" });
  expect(link.getAttribute("href")).toBe("/templates/docker/versions");
});
