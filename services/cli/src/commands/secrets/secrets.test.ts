import { startDeployment } from "../../testing/deployment.js";
import { createTestCli } from "../../testing/run.js";

const STORED = {
  id: "11111111-1111-4111-8111-111111111111",
  name: "npm",
  description: "registry",
  env_name: "NPM_TOKEN",
  file_path: "",
  enabled: true,
  created_at: "2026-11-24T09:00:00Z",
  updated_at: "2026-11-24T09:00:00Z",
};

test("a piped value is stored as it is; an update sends only what is given", async () => {
  await using cli = await createTestCli();
  const bodies: unknown[] = [];
  await using deployment = await startDeployment({
    userSecretCreate: ({ body }) => {
      bodies.push(body);
      return STORED;
    },
    userSecretUpdate: ({ body }) => {
      bodies.push(body);
      return STORED;
    },
  });
  const run = (args: string[], input?: string) =>
    cli.run(["--url", deployment.url, "--token", "t", "secret", ...args], input);
  expect(await run(["create", "npm", "--env", "NPM_TOKEN"], "line\n")).toMatchObject({
    status: 0,
    stdout: "",
  });
  expect(await run(["update", "npm", "--file", "", "--enabled=false"])).toMatchObject({ status: 0 });
  expect(bodies).toEqual([
    { name: "npm", value: "line\n", env_name: "NPM_TOKEN" },
    { file_path: "", enabled: false },
  ]);
  const nothing = await run(["update", "npm"]);
  expect([nothing.status, nothing.stderr]).toEqual([1, expect.stringContaining("Set at least one of")]);
  const empty = await run(["create", "npm", "--env", "A"]);
  expect([empty.status, empty.stderr]).toEqual([1, expect.stringContaining("Pipe the value")]);
});

test("secrets are listed without values", async () => {
  await using cli = await createTestCli();
  await using deployment = await startDeployment({ userSecretList: () => [STORED] });
  const { stdout } = await cli.run(["--url", deployment.url, "--token", "t", "secret", "list"]);
  expect(stdout).toMatch(/NAME\s+ENV\s+FILE\s+ENABLED/i);
  expect(stdout).toContain("NPM_TOKEN");
});
