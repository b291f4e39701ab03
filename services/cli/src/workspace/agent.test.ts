import { FleetError } from "@fleet/base";
import type { Workspace } from "@fleet/sdk";
import { startDeployment } from "../testing/deployment.js";
import { build, job, workspace } from "../testing/objects.js";
import { createTestCli } from "../testing/run.js";

test("a build started concurrently by another client is followed", async () => {
  await using cli = await createTestCli();
  const stopped = workspace({ latest_build: build({ transition: "stop", status: "stopped" }, []) });
  const theirs = build({ job: job({ status: "running" }), status: "starting" });
  let now: Workspace = stopped;
  let starts = 0;
  await using deployment = await startDeployment({
    workspaceGetByName: () => now,
    workspaceGet: () => now,
    templateVersionRichParameters: () => [],
    workspaceBuildParameters: () => [],
    workspaceBuildCreate: () => {
      starts++;
      now = { ...stopped, latest_build: theirs };
      throw new FleetError("conflict", "Another build is running.");
    },
    workspaceBuildLogsFollow: () => [],
    workspaceBuildGet: () => {
      now = { ...stopped, latest_build: { ...theirs, job: job(), status: "running" } };
      return now.latest_build;
    },
  });
  const { stderr } = await cli.run(["--url", deployment.url, "--token", "t", "ssh", "dev", "true"]);
  expect(stderr).toContain("Waiting for the start of dev to finish…");
  // It is running now, and the stream, which this deployment lacks, is requested.
  expect(stderr).toContain("did not open a connection to the workspace");
  expect(starts).toBe(1);
});
