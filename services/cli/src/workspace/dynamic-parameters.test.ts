import { FleetError } from "@fleet/base";
import type { DynamicParametersRequest, NameValue, Workspace } from "@fleet/sdk";
import { createPtyExpecter } from "@fleet/testkit";
import { type Handlers, startDeployment } from "../testing/deployment.js";
import { evaluateClouds } from "../testing/dynamic.js";
import { build, template, user, version, workspace } from "../testing/objects.js";
import { spawnableCli } from "../testing/process.js";
import { createTestCli } from "../testing/run.js";

const ana = user();
const organization = {
  id: ana.id,
  name: "coder",
  display_name: "Coder",
  description: "",
  icon: "",
  created_at: ana.created_at,
  updated_at: ana.created_at,
  is_default: true,
};
const dynamic = { template_use_classic_parameter_flow: false };

/** A deployment with a template whose parameters depend on each other, and the workspace `dev` with these values. */
async function startClouds(previous: NameValue[] = [], changes: Partial<Workspace> = {}) {
  const sent: { rich_parameter_values: NameValue[] }[] = [];
  const handlers: Handlers = {
    userGet: () => ana,
    workspaceGetByName: ({ params }) => {
      if (params.workspaceName === "dev")
        return workspace({ name: "dev", owner_id: ana.id, ...dynamic, ...changes });
      throw new FleetError("not_found", "No such workspace.");
    },
    userOrganizationList: () => [organization],
    templateGetByName: () => template({ name: "clouds", use_classic_parameter_flow: false }),
    templateGet: () => template({ name: "clouds", use_classic_parameter_flow: false }),
    templateVersionGet: () => version({ name: "v7" }),
    templateVersionExternalAuth: () => [],
    templateVersionPresets: () => [
      {
        ID: version().id,
        Name: "Germany",
        Parameters: [
          { Name: "cloud", Value: "hetzner" },
          { Name: "region", Value: "fsn1" },
        ],
        Default: false,
      } as never,
    ],
    templateVersionDynamicParametersEvaluate: ({ body }) => evaluateClouds(body as DynamicParametersRequest),
    workspaceBuildParameters: () => previous,
    workspaceCreate: ({ body }) => {
      sent.push(body as (typeof sent)[number]);
      return workspace({ name: "new" });
    },
    workspaceBuildCreate: ({ body }) => {
      sent.push(body as (typeof sent)[number]);
      return build({ transition: "start" });
    },
  };
  const deployment = await startDeployment(handlers);
  const cli = await createTestCli();
  const session = ["--url", deployment.url, "--token", "t"];
  return {
    /** The values that were sent last. */
    values: () =>
      Object.fromEntries(sent.at(-1)!.rich_parameter_values.map(({ name, value }) => [name, value])),
    sent,
    deployment,
    run: (args: string[]) => cli.run([...session, ...args]),
    terminal(args: string[]) {
      const { command, args: words, env } = spawnableCli([...session, ...args], cli.folder);
      return createPtyExpecter({ command, args: words, env });
    },
    async [Symbol.asyncDispose]() {
      await deployment[Symbol.asyncDispose]();
      await cli[Symbol.asyncDispose]();
    },
  };
}

const create = ["create", "new", "--template", "clouds", "--no-wait"];
const start = ["start", "dev", "--no-wait"];
const stopped = { latest_build: build({ transition: "stop", status: "stopped" }) };

test("flags are evaluated together, and the template's own defaults are not sent", async () => {
  await using clouds = await startClouds();
  const flags = ["--parameter", "cloud=hetzner", "--parameter", "region=nbg1"];
  const { status, stderr } = await clouds.run([...create, ...flags, "--yes"]);
  expect(stderr).toContain("warning: Beta");
  expect(status).toBe(0);
  expect(clouds.values()).toEqual({ cloud: "hetzner", region: "nbg1" });
});

test("a preset's values are evaluated, and override flags", async () => {
  await using clouds = await startClouds();
  const { status } = await clouds.run([
    ...create,
    "--preset",
    "Germany",
    "--parameter",
    "region=nbg1",
    "--yes",
  ]);
  expect(status).toBe(0);
  expect(clouds.values()).toEqual({ cloud: "hetzner", region: "fsn1" });
});

test.each([
  [
    "an option that another value rules out",
    ["cloud=hetzner", "region=us-east-1"],
    /"region": Must be one of: fsn1, nbg1/,
  ],
  ["a missing value", ["cloud=aws"], /region is required.*Pass --parameter region=<value>/],
  [
    "a parameter that does not exist",
    ["region=us-east-1", "colour=red"],
    /"colour" is not a parameter.*cloud, region/,
  ],
  [
    "a parameter that exists only for other values",
    ["region=us-east-1", "model=a100"],
    /"model" is not a parameter/,
  ],
])("%s is an error without a terminal", async (_what, values, message) => {
  await using clouds = await startClouds();
  const { status, stderr } = await clouds.run([
    ...create,
    ...values.flatMap((pair) => ["--parameter", pair]),
    "--yes",
  ]);
  expect(status).toBe(1);
  expect(stderr).toMatch(message);
  expect(clouds.sent).toEqual([]);
});

test("--parameter-default replaces defaults, also of parameters that appear because of it", async () => {
  await using clouds = await startClouds();
  const defaults = ["region=eu-west-1", "gpu=true", "model=h100"].flatMap((pair) => [
    "--parameter-default",
    pair,
  ]);
  const { status } = await clouds.run([...create, ...defaults, "--yes"]);
  expect(status).toBe(0);
  expect(clouds.values()).toEqual({ region: "eu-west-1", gpu: "true", model: "h100" });
});

test("--copy-parameters-from leaves out ephemeral values and parameters that no longer exist", async () => {
  await using clouds = await startClouds([
    { name: "region", value: "eu-west-1" },
    { name: "model", value: "a100" },
    { name: "wipe", value: "yes" },
  ]);
  const { status } = await clouds.run([
    "create",
    "new",
    "--copy-parameters-from",
    "dev",
    "--no-wait",
    "--yes",
  ]);
  expect(status).toBe(0);
  expect(clouds.values()).toEqual({ region: "eu-west-1" });
});

test("a start keeps the workspace's values, and sends only what is given", async () => {
  await using clouds = await startClouds([{ name: "region", value: "eu-west-1" }], stopped);
  expect(await clouds.run([...start, "--parameter", "label=mine"])).toMatchObject({ status: 0 });
  expect(clouds.values()).toEqual({ label: "mine" });
});

test("a start names the kept values that the template no longer accepts", async () => {
  await using clouds = await startClouds([{ name: "region", value: "gone" }], stopped);
  const { status, stderr } = await clouds.run(start);
  expect(status).toBe(1);
  expect(stderr).toContain('Parameter "region": Must be one of: us-east-1, eu-west-1.');
});

test("at a terminal, each answer decides what is asked next", async () => {
  await using clouds = await startClouds();
  await using terminal = clouds.terminal([...create, "--preset", "none"]);
  await terminal.expect("cloud");
  terminal.send("\x1b[B\r");
  await terminal.expect("region");
  await terminal.expect("nbg1");
  terminal.send("\x1b[B\r");
  await terminal.expect("gpu");
  terminal.send("\x1b[A\r");
  await terminal.expect("model");
  terminal.send("\r");
  await terminal.expect("label");
  terminal.send("\r");
  await terminal.expect("Create new from clouds (v7)?");
  terminal.send("\r");
  await terminal.expect("Creating workspace new");
  expect(await terminal.exited).toMatchObject({ exitCode: 0 });
  expect(clouds.values()).toEqual({
    cloud: "hetzner",
    region: "nbg1",
    gpu: "true",
    model: "a100",
    label: `of-${ana.id}`,
  });
});

test("at a terminal, a start asks only for what it lacks and what is no longer valid", async () => {
  await using clouds = await startClouds([{ name: "region", value: "gone" }], stopped);
  await using terminal = clouds.terminal(start);
  await terminal.expect("Must be one of: us-east-1, eu-west-1.");
  terminal.send("\x1b[B\r");
  expect(await terminal.exited).toMatchObject({ exitCode: 0 });
  expect(clouds.values()).toEqual({ region: "eu-west-1" });
});

test("--use-parameter-defaults asks only for parameters without a default", async () => {
  await using clouds = await startClouds();
  await using terminal = clouds.terminal([...create, "--preset", "none", "--use-parameter-defaults"]);
  await terminal.expect("region");
  terminal.send("\r");
  await terminal.expect("Create new from clouds (v7)?");
  terminal.send("\r");
  expect(await terminal.exited).toMatchObject({ exitCode: 0 });
  expect(clouds.values()).toEqual({ region: "us-east-1" });
});
