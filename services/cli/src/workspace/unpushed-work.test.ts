import type { UnpushedWork } from "@fleet/sdk";
import { startDeployment } from "../testing/deployment.js";
import { build, workspace } from "../testing/objects.js";
import { createTestCli } from "../testing/run.js";

const SHOP = {
  agent_name: "main",
  path: "/home/ana/shop",
  changed_files: 3,
  stashes: 1,
  branches: [
    { name: "feature", commits: 2, has_upstream: false },
    { name: "main", commits: 1, has_upstream: true },
    { name: "", commits: 4, has_upstream: false },
  ],
  lost_on_stop: false,
};
const SCRATCH = {
  ...SHOP,
  path: "/tmp/x",
  changed_files: 1,
  stashes: 0,
  branches: [],
  lost_on_stop: true,
};
const LINE =
  "/home/ana/shop  3 changed files, 1 stash, 2 unpushed commits (feature without upstream), 1 unpushed commit (main), 4 unpushed commits (detached HEAD)";

/** Runs a command against a workspace with this unpushed work; undefined for a deployment that cannot tell. */
async function run(work: Partial<UnpushedWork> | undefined, ...args: string[]) {
  const built: unknown[] = [];
  await using deployment = await startDeployment({
    workspaceGetByName: () => workspace(),
    ...(work && {
      workspaceUnpushedWork: () => ({
        collected_at: new Date(Date.now() - 90_000).toISOString(),
        complete: true,
        repositories: [],
        ...work,
      }),
    }),
    workspaceBuildCreate: ({ body }) => {
      built.push(body);
      return build();
    },
    userUnpushedWorkCheckUpdate: ({ body }) => body,
  });
  await using cli = await createTestCli();
  const result = await cli.run(["--url", deployment.url, "--token", "t", ...args]);
  return { ...result, built: built.length, requests: deployment.requests };
}

test("delete names the work that it loses; with --yes, it goes on", async () => {
  const repositories = [SHOP, SCRATCH];
  const asked = await run({ repositories }, "delete", "dev");
  expect(asked.status).toBe(1);
  expect(asked.stderr).toContain(
    `Deleting dev loses work that was not pushed:\n  ${LINE}\n  /tmp/x          1 changed file\n`,
  );
  expect(asked.stderr).toContain("and lose this work?");
  expect(asked.built).toBe(0);
  const done = await run({ repositories }, "delete", "dev", "--yes", "--no-wait");
  expect(done.stderr).toContain("Deleting dev loses work");
  expect([done.status, done.built]).toEqual([0, 1]);
});

test("stop and restart name only what does not survive a stop", async () => {
  for (const command of ["stop", "restart"]) {
    const asked = await run({ repositories: [SHOP, SCRATCH] }, command, "dev");
    expect(asked.stderr).toContain(
      "Stopping dev loses work that was not pushed:\n  /tmp/x  1 changed file\n",
    );
    const quiet = await run({ repositories: [SHOP] }, command, "dev");
    expect(quiet.stderr).not.toContain("loses work");
  }
});

test("a deployment that cannot tell holds nobody up", async () => {
  expect(await run(undefined, "stop", "dev", "--yes", "--no-wait")).toMatchObject({ status: 0, built: 1 });
});

test("unpushed-work shows the last report, and turns the check on and off", async () => {
  const shown = await run({ repositories: [SHOP], complete: false }, "unpushed-work", "show", "dev");
  expect(shown.stdout).toBe(`  ${LINE}\n`);
  expect(shown.stderr).toMatch(/Last checked 1m ago\. The search was not complete/);
  expect((await run({}, "unpushed-work", "show", "dev")).stderr).toMatch(/No unpushed work found/);
  expect((await run({ unavailable: "user" }, "unpushed-work", "show", "dev")).stderr).toMatch(
    /Turn it on with: coder unpushed-work enable/,
  );
  const off = await run({}, "unpushed-work", "disable");
  expect([off.status, off.requests]).toEqual([0, ["PUT /api/v2/users/me/unpushed-work-check"]]);
});

test("show says what keeps a workspace running and when it stops", async () => {
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  const reasons = [
    { kind: "ssh" as const, last_seen_at: at(0) },
    { kind: "hold" as const, name: "training", until: at(7.5 * 3_600_000) },
  ];
  const activity = { reasons, stops_at: at(7.5 * 3_600_000), stops_because: "required_stop" as const };
  await using deployment = await startDeployment({ workspaceGetByName: () => workspace({ activity }) });
  await using cli = await createTestCli();
  const { stdout } = await cli.run(["--url", deployment.url, "--token", "t", "show", "dev"]);
  expect(stdout).toContain("activity  SSH, training (hold, ends in 7h)");
  expect(stdout).toContain("stops     in 7h (required by the template)");
});
