import { startDeployment } from "../../testing/deployment.js";
import { agent, build, workspace } from "../../testing/objects.js";
import { createTestCli } from "../../testing/run.js";

const APP = {
  id: "33333333-3333-4333-8333-333333333333",
  external: false,
  slug: "ide",
  subdomain: true,
  subdomain_name: "ide--main--dev--ana",
  sharing_level: "owner" as const,
  health: "healthy" as const,
  hidden: false,
  open_in: "slim-window",
  statuses: [],
};
const REGION = {
  id: "44444444-4444-4444-8444-444444444444",
  name: "tokyo",
  display_name: "Tokyo",
  icon_url: "",
  healthy: true,
  path_app_url: "https://tokyo.example.com",
  wildcard_hostname: "*.tokyo.example.com",
};

test.each([
  ["the primary region", [], true, /\/\/ide--main--dev--ana\.apps\.example\.com\/\n$/],
  [
    "a region with a wildcard",
    ["--region", "tokyo"],
    true,
    /^https:\/\/ide--main--dev--ana\.tokyo\.example\.com\/\n$/,
  ],
  [
    "a region by path",
    ["--region", "tokyo"],
    false,
    /^https:\/\/tokyo\.example\.com\/@ana\/dev\.main\/apps\/ide\/\n$/,
  ],
])("an app opens through %s", async (_what, args, subdomain, url) => {
  const running = workspace({
    name: "dev",
    owner_name: "ana",
    latest_build: build({}, [agent({ name: "main", apps: [{ ...APP, subdomain }] })]),
  });
  await using cli = await createTestCli();
  await using deployment = await startDeployment({
    workspaceGetByName: () => running,
    applicationsHost: () => ({ host: "*.apps.example.com" }),
    regions: () => ({ regions: [REGION] }),
  });
  const command = ["--url", deployment.url, "--token", "t", "--no-open", "open", "app", "dev", "ide"];
  const { status, stdout, stderr } = await cli.run([...command, ...args]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(url);
  const wrong = await cli.run([...command, "--region", "mars"]);
  expect(wrong.stderr).toContain('There is no region "mars". Valid values: tokyo.');
});
