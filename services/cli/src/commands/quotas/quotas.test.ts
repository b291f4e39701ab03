import { type Handlers, startDeployment } from "../../testing/deployment.js";
import { build, template, version, workspace } from "../../testing/objects.js";
import { createTestCli } from "../../testing/run.js";

const user = (username: string, credits_consumed: number) => ({
  user_id: "11111111-1111-4111-8111-111111111111",
  username,
  name: "",
  avatar_url: "",
  credits_consumed,
  budget: 10,
  limited: true,
});

async function coder(handlers: Handlers, ...args: string[]) {
  await using cli = await createTestCli();
  await using deployment = await startDeployment(handlers);
  const result = await cli.run(["--url", deployment.url, "--token", "t", ...args]);
  return result;
}

const cells = (stdout: string) => stdout.split("\n").map((line) => line.trim().split(/\s{2,}/));

const organization: Handlers = {
  userOrganizationList: () => [
    {
      id: template().organization_id,
      name: "coder",
      display_name: "Coder",
      icon: "",
      description: "",
      created_at: "2026-01-01T00:00:00Z",
      updated_at: "2026-01-01T00:00:00Z",
      is_default: true,
    },
  ],
};

test("every page of the users' quotas is listed", async () => {
  const all = [user("ana", 9), user("ben", 4), user("cleo", 0)];
  const { stdout } = await coder(
    {
      ...organization,
      organizationQuotas: ({ query }) => {
        const offset = Number(query.get("offset"));
        return { users: all.slice(offset, offset + 2), count: all.length, groups: [] };
      },
    },
    "quotas",
    "list",
  );
  expect(cells(stdout)).toEqual(
    expect.arrayContaining(all.map((row) => [row.username, `${row.credits_consumed}`, "10"])),
  );
});

const resource = (daily_cost: number) => ({
  id: "22222222-2222-4222-8222-222222222222",
  created_at: "2026-01-01T00:00:00Z",
  job_id: "33333333-3333-4333-8333-333333333333",
  workspace_transition: "start" as const,
  type: "null_resource",
  name: "disk",
  hide: false,
  icon: "",
  daily_cost,
});

const start = (costNow: number, budget: number) => {
  const dev = workspace({ name: "dev", latest_build: build({ transition: "stop", daily_cost: costNow }) });
  return coder(
    {
      workspaceGetByName: () => dev,
      workspaceBuildParameters: () => [],
      templateVersionRichParameters: () => [],
      templateVersionGet: () => version(),
      templateVersionResources: () => [
        resource(3),
        resource(2),
        { ...resource(9), workspace_transition: "stop" },
      ],
      memberQuota: () => ({ credits_consumed: 4, budget, limited: true }),
      workspaceBuildCreate: () => build(),
    },
    "start",
    "dev",
    "--no-wait",
    "-y",
  );
};

test("a start says its price if it changes, and whether the quota allows it", async () => {
  const cheap = await start(1, 10);
  expect(cheap.stderr + cheap.stdout).toContain(
    "Cost: 5 credits per day (now 1). 4 of 10 credits per day in use.",
  );
  expect(cheap.stderr).not.toMatch(/exceeds/);
  expect((await start(1, 7)).stderr).toMatch(/exceeds the quota/);
  expect((await start(5, 7)).stderr).not.toMatch(/Cost/);
});

test("the quota allowance of a group is set", async () => {
  const bodies: unknown[] = [];
  const group = {
    id: "44444444-4444-4444-8444-444444444444",
    name: "devs",
    display_name: "",
    organization_id: template().organization_id,
    members: [],
    total_member_count: 0,
    avatar_url: "",
    quota_allowance: 0,
    source: "user",
    organization_name: "coder",
    organization_display_name: "Coder",
  };
  const handlers: Handlers = {
    ...organization,
    groupCreate: ({ body }) => {
      bodies.push(body);
      return group;
    },
    groupGetByName: () => group,
    groupUpdate: ({ body }) => {
      bodies.push(body);
      return group;
    },
  };
  await coder(handlers, "groups", "create", "devs", "--quota-allowance", "30");
  await coder(handlers, "groups", "edit", "devs", "--quota-allowance", "0");
  expect(bodies).toMatchObject([{ quota_allowance: 30 }, { quota_allowance: 0 }]);
  const refused = await coder(handlers, "groups", "edit", "devs", "--quota-allowance", "-1");
  expect(refused.status).not.toBe(0);
});
