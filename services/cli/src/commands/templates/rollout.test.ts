import type { RolloutProgress, TemplateRollout } from "@fleet/sdk";
import { type Handlers, startDeployment } from "../../testing/deployment.js";
import { template, version } from "../../testing/objects.js";
import { createTestCli, type TestCli } from "../../testing/run.js";

let cli: TestCli;
beforeEach(async () => {
  cli = await createTestCli();
});
afterEach(() => cli[Symbol.asyncDispose]());

const found = template({ name: "docker" });
const next = version({ name: "v2" });
const NOW = "2026-11-24T09:00:00Z";
const rollout: TemplateRollout = {
  id: "7f0c0c5e-8d1b-4b1c-9f0e-0d8b8f6f9a11",
  template_id: found.id,
  former_version_id: found.active_version_id,
  former_version_name: "v1",
  template_version_id: next.id,
  template_version_name: "v2",
  status: "running",
  reason: "",
  steps: [10, 50, 100],
  step: 0,
  percent: 10,
  pause_ms: 1_800_000,
  max_failure_percent: 20,
  min_samples: 3,
  step_started_at: NOW,
  next_step_at: null,
  initiator_id: found.created_by_id,
  initiator_name: "admin",
  created_at: NOW,
  ended_at: null,
};
const progress: RolloutProgress = {
  rollout,
  workspaces: 20,
  share: 2,
  succeeded: 1,
  failed: 0,
  undecided: 1,
  waiting: "",
  failures: [],
};

function run(args: string[], handlers: Handlers) {
  return (async () => {
    await using deployment = await startDeployment({
      userOrganizationList: () => [
        {
          id: found.organization_id,
          name: "coder",
          display_name: "",
          description: "",
          icon: "",
          created_at: NOW,
          updated_at: NOW,
          is_default: true,
        },
      ],
      templateGetByName: () => found,
      templateVersionGetByName: () => next,
      rolloutList: () => [rollout],
      ...handlers,
    });
    const base = ["--url", deployment.url, "--token", "t", "templates"];
    return { ...(await cli.run([...base, ...args])), requests: [...deployment.requests] };
  })();
}

const PROMOTE = ["versions", "promote", "-t", "docker", "--template-version", "v2"];

test("promote starts a rollout with --steps or --percent, and promotes without", async () => {
  const bodies: unknown[] = [];
  const handlers: Handlers = {
    rolloutCreate: ({ body }) => {
      bodies.push(body);
      return rollout;
    },
    templateVersionPromote: () => ({ message: "" }),
  };
  const flags = ["--steps", "10, 50%,100", "--pause", "5m", "--max-failures", "5", "--min-samples", "9"];
  const stepped = await run([...PROMOTE, ...flags], handlers);
  expect(stepped.stderr).toContain("Version v2 is active for 10% of the workspaces of docker.");
  await run([...PROMOTE, "--percent", "25"], handlers);
  expect(bodies).toEqual([
    {
      template_version_id: next.id,
      steps: [10, 50, 100],
      pause_ms: 300_000,
      max_failure_percent: 5,
      min_samples: 9,
    },
    { template_version_id: next.id, steps: [25] },
  ]);
  const other = { ...rollout, template_version_id: found.active_version_id, template_version_name: "v1.5" };
  const promoted = await run(PROMOTE, { ...handlers, rolloutList: () => [other] });
  expect(promoted.stderr).toContain("This ended the rollout of version v1.5.");
  expect(promoted.stderr).toContain("Version v2 is now the active version of docker.");
});

test.each([
  [["--steps", "ten"], '"ten" is not a valid value. Use a whole number.'],
  [["--percent", "10", "--steps", "10"], "Use either --percent or --steps, not both."],
  [["--pause", "5m"], "--pause requires --percent or --steps."],
  [["--max-failures", "5"], "--max-failures requires --percent or --steps."],
])("promote refuses %j", async (flags, message) => {
  const { status, stderr } = await run([...PROMOTE, ...flags], {});
  expect(status).toBe(1);
  expect(stderr).toContain(message);
});

test("status says where the rollout is, why it waits or stopped, and who failed", async () => {
  const status = async (shown: RolloutProgress) =>
    (await run(["rollout", "status", "docker"], { rolloutGet: () => shown })).stdout;
  expect(await status(progress)).toContain(
    "v1 → v2: running\n  Steps:      [10%] → 50% → 100%, at least 30m each\n  Active for: 2 of 20 workspaces\n  Updated:    1 succeeded, 0 failed, 1 in progress\n",
  );
  expect(await status({ ...progress, waiting: "No workspace has taken the version yet." })).toContain(
    "  Waiting:    No workspace has taken the version yet.\n",
  );
  const failure = {
    workspace_id: rollout.id,
    workspace_name: "dev",
    workspace_owner_name: "ana",
    build_id: rollout.id,
  };
  const stopped = await status({
    ...progress,
    rollout: { ...rollout, status: "stopped", percent: 0, reason: "3 of 3 workspaces failed." },
    failures: [
      { ...failure, failure: "script", error: "" },
      { ...failure, failure: "build", error: "No such image.\nmore" },
    ],
  });
  expect(stopped).toContain("v1 → v2: stopped\n");
  expect(stopped).toContain("  Reason:     3 of 3 workspaces failed.\n");
  expect(stopped).toContain("ana/dev  a start script failed\n");
  expect(stopped).toContain("ana/dev  No such image.\n");
});

test.each([
  ["pause", "rolloutPause", "paused", "Paused. Version v2 stays active for 10% of the workspaces."],
  ["resume", "rolloutResume", "running", "Resumed. Version v2 is active for 10% of the workspaces."],
  [
    "abort",
    "rolloutAbort",
    "aborted",
    "Aborted. Version v1 is active again for all workspaces, from their next start.",
  ],
  ["finish", "rolloutFinish", "finished", "Version v2 is now the active version of docker."],
] as const)("%s", async (verb, route, status, told) => {
  const { stderr, requests } = await run(["rollout", verb, "docker"], {
    [route]: () => ({ ...rollout, status }),
  });
  expect(stderr).toContain(told);
  expect(requests.at(-1)).toBe(`POST /api/v2/templates/${found.id}/rollouts/${rollout.id}/${verb}`);
});

test("without a rollout, it says how to start one", async () => {
  const { status, stderr } = await run(["rollout", "status", "docker"], { rolloutList: () => [] });
  expect(status).toBe(1);
  expect(stderr).toContain(
    "Template docker has no rollout. Start one with: coder templates versions promote",
  );
});
