import { type Call, type Handlers, startDeployment } from "../testing/deployment.js";
import { createTestCli } from "../testing/run.js";

const ID = "11111111-1111-4111-8111-111111111111";
const NOW = "2026-11-24T09:00:00Z";
const PROXY = {
  ...{ id: ID, name: "tokyo", display_name: "", icon_url: "", healthy: true, path_app_url: "" },
  ...{ wildcard_hostname: "", derp_enabled: false, derp_only: false, created_at: NOW, updated_at: NOW },
  ...{ deleted: false, version: "" },
};

async function run(handlers: Handlers, ...args: string[]) {
  await using cli = await createTestCli();
  await using deployment = await startDeployment(handlers);
  return await cli.run(["--url", deployment.url, "--token", "t", ...args]);
}

test("users oidc-claims lists the claims by name, and prints the API's answer as JSON", async () => {
  const claims = { sub: "42", groups: ["a", "b"] };
  const handlers = { oidcClaims: () => ({ claims }) };
  const table = await run(handlers, "users", "oidc-claims");
  expect(table.stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
    ["KEY", "VALUE"],
    ["groups", '["a","b"]'],
    ["sub", "42"],
    [""],
  ]);
  expect(JSON.parse((await run(handlers, "users", "oidc-claims", "-o", "json")).stdout)).toEqual({ claims });
});

test("licenses are an empty list, and adding one says that none is needed", async () => {
  const list = await run({ licenseList: () => [] }, "licenses", "list", "-o", "json");
  expect(list).toEqual({ status: 0, stdout: "[]\n", stderr: "" });
  const add = await run({}, "licenses", "add", "-f", "license.jwt");
  expect(add.stderr).toContain('"coder licenses add" is not supported. Every feature is available');
});

test("wsproxy edit changes what is given, and needs something to change", async () => {
  const bodies: unknown[] = [];
  const handlers = {
    workspaceProxyUpdate: ({ body }: Call) => {
      bodies.push(body);
      return { proxy: PROXY };
    },
  };
  const { stderr } = await run(handlers, "wsproxy", "edit", "tokyo", "--display-name", "Tokyo");
  expect(stderr).toBe("Updated proxy tokyo.\n");
  expect(bodies).toEqual([{ display_name: "Tokyo" }]);
  expect((await run(handlers, "wsproxy", "edit", "tokyo")).stderr).toContain("Nothing to change.");
});
