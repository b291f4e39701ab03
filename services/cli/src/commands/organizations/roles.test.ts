import type { RoleDefinition } from "@fleet/sdk";
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
const ROLE: RoleDefinition = {
  name: "curator",
  display_name: "Curator",
  organization_id: ORGANIZATION.id,
  site_permissions: [],
  organization_permissions: [{ resource_type: "template", action: "update", negate: false }],
  organization_member_permissions: [{ resource_type: "workspace", action: "read", negate: false }],
  user_permissions: [],
};

async function roles(args: string[], input = "") {
  const stored: [string, unknown][] = [];
  const store =
    (verb: string) =>
    ({ body }: { body: unknown }) => {
      stored.push([verb, body]);
      return [ROLE];
    };
  const handlers: Handlers = {
    userOrganizationList: () => [ORGANIZATION],
    organizationRoleList: () => [{ ...ROLE, assignable: true, built_in: false }],
    organizationRoleCreate: store("create"),
    organizationRoleUpdate: store("update"),
  };
  await using cli = await createTestCli();
  await using deployment = await startDeployment(handlers);
  const command = ["--url", deployment.url, "--token", "t", "organizations", "roles", ...args];
  return { ...(await cli.run(command, input)), stored };
}

test("what is shown as JSON can be stored", async () => {
  const { stdout } = await roles(["show", "curator", "-o", "json"]);
  const { stored } = await roles(["update", "curator", "--stdin", "-y"], stdout);
  expect(stored).toEqual(
    [["update", expect.objectContaining({ ...ROLE, organization_id: undefined })]].map(([verb]) => [
      verb,
      expect.objectContaining({ name: "curator", organization_permissions: ROLE.organization_permissions }),
    ]),
  );
});

test("a role is created with the name that is given, and a dry run stores nothing", async () => {
  const json = JSON.stringify({ organization_permissions: ROLE.organization_permissions });
  const { stored } = await roles(["create", "curator", "--stdin"], json);
  expect(stored).toEqual([["create", expect.objectContaining({ name: "curator" })]]);
  const tried = await roles(["create", "curator", "--stdin", "--dry-run"], json);
  expect(tried.stored).toEqual([]);
  expect(tried.stdout).toContain("template:update");
});

test.each([
  [["create", "curator"], "", /--stdin/],
  [["create", "curator", "--stdin"], "{", /not valid JSON/],
  [["create", "--stdin"], "{}", /not a role: name/],
  [["update", "other", "--stdin"], JSON.stringify(ROLE), /describes the role "curator"/],
  [["show", "nobody"], "", /no role named "nobody"/],
])("%j with %j is refused", async (args, input, message) => {
  const { stderr, stored } = await roles(args, input);
  expect(stderr).toMatch(message);
  expect(stored).toEqual([]);
});
