import { type Handlers, startDeployment } from "../../testing/deployment.js";
import { createTestCli } from "../../testing/run.js";

const ORGANIZATION = {
  id: "11111111-1111-4111-8111-111111111111",
  name: "coder",
  display_name: "Coder",
  description: "",
  icon: "",
  created_at: "2026-11-24T09:00:00Z",
  updated_at: "2026-11-24T09:00:00Z",
  is_default: true,
  default_org_member_roles: [],
};
const GROUPS = {
  field: "groups",
  mapping: { devs: ["22222222-2222-4222-8222-222222222222"] },
  regex_filter: "^coder-",
  auto_create_missing_groups: true,
};
const ORGANIZATIONS = { field: "orgs", mapping: {}, organization_assign_default: true };

async function settings(args: string[], input = "") {
  const stored: unknown[] = [];
  const store =
    <T>(answer: T) =>
    ({ body }: { body: unknown }) => {
      stored.push(body);
      return answer;
    };
  const handlers: Handlers = {
    userOrganizationList: () => [ORGANIZATION],
    groupSyncGet: () => GROUPS,
    groupSyncUpdate: store(GROUPS),
    organizationSyncGet: () => ORGANIZATIONS,
    organizationSyncUpdate: store(ORGANIZATIONS),
  };
  await using cli = await createTestCli();
  await using deployment = await startDeployment(handlers);
  const command = ["--url", deployment.url, "--token", "t", "organizations", "settings", ...args];
  return { ...(await cli.run(command, input)), stored };
}

test("what show prints is what set takes", async () => {
  const shown = await settings(["show", "group-sync"]);
  expect(JSON.parse(shown.stdout)).toEqual(GROUPS);
  const set = await settings(["set", "groupsync"], shown.stdout);
  expect(set.stored).toEqual([GROUPS]);
  expect(JSON.parse(set.stdout)).toEqual(GROUPS);
});

test("organization sync is a setting of the deployment", async () => {
  const shown = await settings(["show", "org-sync"]);
  expect(JSON.parse(shown.stdout)).toEqual(ORGANIZATIONS);
  expect((await settings(["set", "organization-sync"], shown.stdout)).stored).toEqual([ORGANIZATIONS]);
});

test.each([
  ["no JSON", "{", /not valid JSON/],
  ["another shape", '{"mapping":{"devs":["no id"]}}', /mapping/],
])("%s is refused before it is sent", async (_, input, reason) => {
  const { status, stderr, stored } = await settings(["set", "group-sync"], input);
  expect([status, stored]).toEqual([1, []]);
  expect(stderr).toMatch(reason);
});
