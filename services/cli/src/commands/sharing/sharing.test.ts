import { type Handlers, startDeployment } from "../../testing/deployment.js";
import { workspace } from "../../testing/objects.js";
import { createTestCli } from "../../testing/run.js";

const ids = {
  ana: "11111111-1111-4111-8111-111111111111",
  ben: "22222222-2222-4222-8222-222222222222",
  devs: "33333333-3333-4333-8333-333333333333",
};

async function sharing(...args: string[]) {
  const changes: unknown[] = [];
  const dev = workspace({ name: "dev" });
  const devs = {
    id: ids.devs,
    name: "devs",
    display_name: "",
    organization_id: dev.organization_id,
    members: [],
    total_member_count: 2,
    avatar_url: "",
    quota_allowance: 0,
    source: "user",
    organization_name: "coder",
    organization_display_name: "Coder",
  } as const;
  const handlers: Handlers = {
    workspaceGetByName: () => dev,
    workspaceAcl: () => ({
      users: [{ id: ids.ana, username: "ana", name: "", role: "use" }],
      group: [{ ...devs, role: "admin" }],
    }),
    workspaceAclAvailable: ({ query }) => ({
      users: query.get("q") === "ben" ? [{ id: ids.ben, username: "ben", name: "" }] : [],
      groups: query.get("q") === "devs" ? [devs] : [],
    }),
    workspaceAclUpdate: ({ body }) => {
      changes.push(body);
      return undefined;
    },
  };
  await using cli = await createTestCli();
  await using deployment = await startDeployment(handlers);
  const result = await cli.run(["--url", deployment.url, "--token", "t", "sharing", ...args]);
  return { ...result, changes };
}

test("a workspace is shared with users and groups, and its shares are printed", async () => {
  const { stdout, changes } = await sharing("add", "dev", "--user", "ben:admin,ana", "--group", "devs");
  expect(changes).toEqual([
    { user_roles: { [ids.ben]: "admin", [ids.ana]: "use" }, group_roles: { [ids.devs]: "use" } },
  ]);
  expect(stdout.split("\n").map((line) => line.trim().split(/\s+/))).toEqual(
    expect.arrayContaining([
      ["ana", "-", "use"],
      ["-", "devs", "admin"],
    ]),
  );
});

test("shares end by name, also of who could not be added any more", async () => {
  const { changes } = await sharing("remove", "dev", "--user=ana", "--group=devs");
  expect(changes).toEqual([{ user_roles: { [ids.ana]: "" }, group_roles: { [ids.devs]: "" } }]);
  const { stdout } = await sharing("status", "dev", "-o", "json");
  expect(JSON.parse(stdout)).toEqual([
    { user: "ana", group: "", role: "use" },
    { user: "", group: "devs", role: "admin" },
  ]);
});

test.each([
  [["add", "dev"], /at least one user or group/],
  [["add", "dev", "--user", "ben:owner"], /<name>:admin/],
  [["add", "dev", "--user", "nobody"], /not a member/],
  [["remove", "dev", "--group", "nobody"], /not a group/],
])("%j is refused", async (args, message) => {
  const { stderr, changes } = await sharing(...args);
  expect(stderr).toMatch(message);
  expect(changes).toEqual([]);
});
