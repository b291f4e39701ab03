import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Transition } from "@fleet/proto-gen/provisioner";
import { instancesOfState } from "@fleet/provisionersdk";
import { waitFor } from "@fleet/testkit";
import { type JobRecord, outputOf } from "../testing/coderd.js";
import {
  buildResult,
  CODER,
  createTerraformHarness,
  ENGINE,
  failure,
  HAS_MIRROR,
  importResult,
  LIMIT,
  REGISTRY,
} from "../testing/terraform.js";

const FIXTURES = join(import.meta.dirname, "../../../../packages/provisionersdk/src/graph/fixtures");
const fixture = (name: string) => readFileSync(join(FIXTURES, name), "utf8");
const WHOLE = {
  "main.tf": fixture("main.tf"),
  "mod/main.tf": fixture("mod/main.tf"),
  "README.md": "# Whole",
};
const agentsIn = (resources: { agents: { name: string }[] }[]) =>
  resources.flatMap((resource) => resource.agents);

test("a template is imported, and its workspace started, stopped and deleted", async () => {
  await using fleet = await createTerraformHarness();
  const imported = await importResult(await fleet.importOf(WHOLE));
  expect(imported.richParameters.map((parameter) => parameter.name)).toEqual(["image", "cpu"]);
  expect(imported.presets).toMatchObject([{ name: "Large", isDefault: true }]);
  expect(imported.externalAuthProviders).toMatchObject([{ id: "github", optional: true }]);
  expect(imported.workspaceTags).toEqual({ zone: "fra" });
  expect(imported.templateVariables).toMatchObject([
    { name: "region", defaultValue: "fra", required: false },
  ]);
  expect(imported.readme).toBe("# Whole");
  expect(agentsIn(imported.startResources)).toMatchObject([
    { name: "dev", apps: [{ slug: "web" }, { slug: "code" }] },
  ]);
  expect(imported.stopResources.map((resource) => resource.address)).toEqual(["terraform_data.home"]);

  const { prepared } = imported;
  expect(prepared).toMatchObject({ skipInit: false, graph: expect.stringContaining("coder_agent.dev") });
  expect(prepared).toMatchObject({ noOwnerSession: true });
  const startJob = await fleet.build(WHOLE, Transition.START, { prepared, values: { image: "ubuntu" } });
  const started = await buildResult(startJob);
  const process = started.resources.find((resource) => resource.address === "terraform_data.process[0]")!;
  expect(process.metadata).toMatchObject([
    { key: "image", value: "ubuntu" },
    { key: "secret", sensitive: true },
  ]);
  expect(process.agents[0]!.auth).toMatchObject({
    case: "token",
    value: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  expect(fleet.coderd.costs).toEqual([12]);
  expect(outputOf(startJob).join("\n")).not.toContain("Initializing");
  expect(startJob.timings).toContainEqual(
    expect.objectContaining({
      stage: "apply",
      source: "coder",
      action: "create",
      resource: "coder_agent.dev",
      failed: false,
    }),
  );

  const stopped = await buildResult(
    await fleet.build(WHOLE, Transition.STOP, { prepared, state: started.state }),
  );
  expect(stopped.resources.map((resource) => resource.address)).toEqual(["terraform_data.home"]);
  const deleted = await buildResult(
    await fleet.build(WHOLE, Transition.DELETE, { prepared, state: stopped.state }),
  );
  expect(deleted).toMatchObject({ resources: [], state: new Uint8Array() });
  const again = await fleet.build(WHOLE, Transition.DELETE, { prepared });
  await buildResult(again);
  expect(outputOf(again)).toContain("The terraform state does not exist, there is nothing to do");
  expect(
    (
      await Promise.all(
        (
          await readdir(join(fleet.cacheDirectory, "work"))
        ).map((name) => readdir(join(fleet.cacheDirectory, "work", name))),
      )
    ).flat(),
  ).toEqual([]);
});

test("a template with only coder and built-in resources is applied in one run without init", async () => {
  await using fleet = await createTerraformHarness();
  const files = {
    "main.tf": `${CODER}
data "coder_workspace" "me" {}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
resource "terraform_data" "box" {
  count = data.coder_workspace.me.start_count
  input = coder_agent.main.init_script
  provisioner "local-exec" {
    command = "echo the daemon says $CODER_SECRET"
  }
}`,
  };
  const { prepared } = await importResult(await fleet.importOf(files));
  expect(prepared).toMatchObject({ skipInit: true });
  const job = await fleet.build(files, Transition.START, { prepared });
  const { state, resources } = await buildResult(job);
  expect(agentsIn(resources)).toMatchObject([{ name: "main" }]);
  expect(new TextDecoder().decode(state)).toContain("http://127.0.0.1:3000/bin/coder-linux-amd64");
  const stages = [...new Set(job.logs.map((log) => log.stage))];
  expect(stages).toEqual(["Setting up", "Planning infrastructure", "Starting workspace"]);
  const output = outputOf(job).join("\n");
  expect(output).toContain("(local-exec): the daemon says");
  expect(output).not.toContain("of the daemon");
});

test("the cost counts kept, created and replaced resources once, and is checked before apply", async () => {
  await using fleet = await createTerraformHarness();
  const template = (first: number, icon: string) => ({
    "main.tf": `${CODER}
resource "terraform_data" "box" {
  count = 2
}
resource "coder_metadata" "box" {
  count       = 2
  resource_id = terraform_data.box[count.index].id
  icon        = "${icon}"
  daily_cost  = count.index == 0 ? ${first} : 5
}`,
  });
  const { state } = await buildResult(await fleet.build(template(3, "/a.png"), Transition.START));
  await buildResult(await fleet.build(template(3, "/a.png"), Transition.START, { state }));
  await buildResult(await fleet.build(template(4, "/b.png"), Transition.START, { state }));
  expect(fleet.coderd.costs).toEqual([8, 8, 9]);
  fleet.coderd.answers.quota = { ok: false, creditsConsumed: 9, budget: 10 };
  const refused = await failure(await fleet.build(template(30, "/a.png"), Transition.START));
  expect(refused).toMatchObject({
    errorCode: "INSUFFICIENT_QUOTA",
    error: expect.stringContaining("35 credits per day"),
  });
  expect(refused.state).toBeUndefined();
});

(HAS_MIRROR ? test : test.skip)(
  "another provider is installed once a version and daemon, as the import locked it",
  async () => {
    const files = {
      "main.tf": `${CODER.replace("coder =", 'time = { source = "hashicorp/time" }\n    coder =')}
resource "time_static" "born" {}`,
    };
    await using first = await createTerraformHarness();
    const { prepared } = await importResult(await first.importOf(files));
    expect(new TextDecoder().decode(prepared!.providerLock)).toContain(
      `provider "${REGISTRY}/hashicorp/time"`,
    );
    const here = await first.build(files, Transition.START, { prepared });
    const { state } = await buildResult(here);
    expect(outputOf(here).join("\n")).not.toContain("Initializing");
    expect(here.timings.filter((timing) => timing.stage === "init")).toEqual([]);

    await using second = await createTerraformHarness();
    const there = await second.build(files, Transition.DELETE, { prepared, state });
    expect(await buildResult(there)).toMatchObject({ resources: [] });
    expect(outputOf(there).join("\n")).toContain("Initializing");
    expect(there.timings).toContainEqual(
      expect.objectContaining({ stage: "init", source: "terraform", failed: false }),
    );

    // The next version does not need that provider, but the state still contains a resource of it.
    const later = await second.build({ "main.tf": CODER }, Transition.STOP, {
      prepared: { ...prepared!, graph: "" },
      state,
    });
    expect(await buildResult(later)).toMatchObject({ resources: [] });
  },
);

const SIZED = `${CODER}
data "coder_workspace" "me" {}
data "coder_parameter" "agents" {
  name    = "agents"
  type    = "number"
  default = 1
  validation {
    min = 1
    max = 2
  }
}
resource "coder_agent" "main" {
  count = data.coder_parameter.agents.value
  os    = "linux"
  arch  = "amd64"
}
`;

async function plannedWithMocks(record: JobRecord) {
  await waitFor(() => record.completed ?? record.failed, LIMIT);
  expect(record.failed?.error).toBeUndefined();
  const { type } = record.completed!;
  if (type.case !== "templateDryRun") throw new Error("not a dry run");
  return type.value.resources.map(({ address, agents }) => [address, agents.length]);
}

test("a dry run with mocked providers plans with the given values, or fails as a plan would", async () => {
  await using fleet = await createTerraformHarness();
  const files = {
    "main.tf": `${SIZED}resource "terraform_data" "host" {
  count = length(coder_agent.main)
  input = coder_agent.main[count.index].token
}`,
  };
  const record = await fleet.dryRun(files, { agents: "2" });
  expect(await plannedWithMocks(record)).toEqual([
    ["terraform_data.host[0]", 1],
    ["terraform_data.host[1]", 1],
  ]);
  expect(outputOf(record).join("\n")).not.toContain("planned_values");
  const { error } = await failure(await fleet.dryRun(files, { agents: "3" }));
  expect(error).toMatch(/^(terraform|tofu) test: /);
  expect(error).toContain("3");
});

(HAS_MIRROR ? test : test.skip)(
  "a mocked provider is not called, whether the root module or a module of the template requires it",
  async () => {
    await using fleet = await createTerraformHarness();
    const docker =
      'terraform {\n  required_providers {\n    docker = { source = "kreuzwerker/docker" }\n  }\n}\n';
    const container = `data "docker_registry_image" "latest" {\n  name = "example.invalid/none:latest"\n}
resource "docker_container" "dev" {
  name  = "dev"
  image = data.docker_registry_image.latest.sha256_digest
  env   = [var.token]
}
variable "token" {}
`;
    const own = container
      .replace("var.token", "coder_agent.main[0].token")
      .replace('variable "token" {}', 'provider "docker" {\n  host = "unix:///nowhere"\n}');
    const both = SIZED.replace("coder =", 'docker = { source = "kreuzwerker/docker" }\n    coder =');
    const rooted = { "main.tf": both + own };
    expect(await plannedWithMocks(await fleet.dryRun(rooted, {}))).toEqual([["docker_container.dev", 1]]);
    const nested = {
      "main.tf": `${SIZED}module "box" {\n  source = "./box"\n  token  = coder_agent.main[0].token\n}`,
      "box/main.tf": `${docker}${container}`,
    };
    expect(await plannedWithMocks(await fleet.dryRun(nested, {}))).toEqual([
      ["module.box.docker_container.dev", 1],
    ]);
  },
);

test.each([
  ["a broken file", { "main.tf": 'resource "x" {\n' }, "main.tf:2: a block is not closed"],
  [
    "a reference to nothing",
    { "main.tf": `${CODER}output "x" { value = var.nothing }` },
    "Reference to undeclared input variable (main.tf:6)",
  ],
  ["no configuration", { "notes.txt": "hello" }, "has no .tf file at its root"],
  [
    "a backend elsewhere",
    { "main.tf": 'terraform {\n  backend "s3" {}\n}' },
    "main.tf:2: Workspace state is stored by the server",
  ],
  [
    "an agent's name",
    { "main.tf": `${CODER}resource "coder_agent" "my_agent" {\n  os = "linux"\n  arch = "amd64"\n}` },
    'agent name "my_agent"',
  ],
])("a template with %s fails with an error and its position", async (_what, files, message) => {
  await using fleet = await createTerraformHarness();
  const { error } = await failure(await fleet.importOf(files as unknown as Record<string, string>));
  expect(error).toContain(message);
});

const BREAKS = {
  "main.tf": `${CODER}
resource "terraform_data" "first" {}
resource "terraform_data" "second" {
  depends_on = [terraform_data.first]
  provisioner "local-exec" {
    command = "echo begun; trap 'echo asked' INT TERM; sleep 600 & wait; sleep 600"
  }
}`,
};

/** A template with one resource of this many MiB. */
const heavy = (mebibytes: number) => ({
  "main.tf": 'resource "terraform_data" "big" {\n  input = file("big.txt")\n}\n',
  "big.txt": "x".repeat(mebibytes * 1024 * 1024),
});

test("a plan and a state of several megabytes are read completely", async () => {
  await using fleet = await createTerraformHarness();
  const imported = await importResult(await fleet.importOf(heavy(3)));
  expect(imported.startResources).toMatchObject([{ name: "big" }]);
  const built = await buildResult(await fleet.build(heavy(3), Transition.START));
  expect(built.state.length).toBeGreaterThan(3 * 1024 * 1024);
});

test("a state too large to store fails its build with the reason", async () => {
  await using fleet = await createTerraformHarness();
  const failed = await failure(await fleet.build(heavy(18), Transition.START));
  expect(failed.error).toMatch(/The Terraform state is \d+ MiB, above the limit of 32 MiB/);
});

test("declarations without effect are reported once, in the import's log", async () => {
  await using fleet = await createTerraformHarness();
  const main = `terraform {
  required_providers {
    coder = {
      source  = "coder/coder"
      version = "~> 1.0"
    }
  }
}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
resource "coder_app" "main" {
  agent_id = coder_agent.main.id
  slug     = "main"
}
resource "coder_ai_task" "main" {
  app_id = coder_app.main.id
}`;
  const record = await fleet.importOf({ "main.tf": main });
  await importResult(record);
  const output = outputOf(record);
  const count = (text: string) => JSON.stringify(output).split(text).length - 1;
  expect(count("requires coder/coder ~> 1.0")).toBe(1);
  expect(count("Warning: Not supported: coder_ai_task")).toBe(1);
});

test("an invalid pattern fails the import with its position", async () => {
  await using fleet = await createTerraformHarness();
  const main = `${CODER}data "coder_parameter" "word" {
  name = "word"
  default = "a"
  validation {
    regex = "^[a-z"
    error = "Letters only."
  }
}`;
  const failed = await failure(await fleet.importOf({ "main.tf": main }));
  expect(failed.error).toContain("main.tf:10");
  expect(failed.error).toContain("missing closing ] at character 2");
});

test("a failed apply keeps what it created", async () => {
  await using fleet = await createTerraformHarness();
  const files = { "main.tf": BREAKS["main.tf"].replace(/command = .*/, 'command = "echo no; exit 3"') };
  const failed = await failure(await fleet.build(files, Transition.START));
  expect(failed.error).toContain("local-exec provisioner error");
  expect(failed.canceled).toBe(false);
  expect(failed.resources.map((resource) => resource.address)).toContain("terraform_data.first");
  expect(new TextDecoder().decode(failed.state)).toContain('"name": "first"');
});

test("a cancel interrupts terraform, then kills it; the state is kept", async () => {
  await using fleet = await createTerraformHarness({ forceCancelIntervalMs: 500 });
  const job = await fleet.build(BREAKS, Transition.START);
  await waitFor(() => outputOf(job).some((line) => line.includes("begun")), LIMIT);
  // OpenTofu writes the state when it is interrupted, and otherwise every 20 s.
  if (ENGINE.name === "terraform")
    await waitFor(() => job.checkpoint, { what: "a checkpoint of the state", timeoutMs: 10_000 });
  job.tell({ canceled: true });
  const failed = await failure(job);
  expect(failed).toMatchObject({ canceled: true, error: "The job was canceled." });
  expect(failed.resources.map((resource) => resource.address)).toContain("terraform_data.first");
});

test("a state that cannot be read fails the build with how to restore another one, and stays as it is", async () => {
  await using fleet = await createTerraformHarness();
  for (const [text, why] of [
    ["{", "not valid JSON"],
    ['{"version":5}', "format 5"],
    ['{"version":4,"resources":[1]}', "invalid"],
  ]) {
    const build = await fleet.build({ "main.tf": CODER }, Transition.START, { state: Buffer.from(text!) });
    const { error, state } = await failure(build);
    expect(error).toContain(why);
    expect(error).toContain("coder state restore");
    expect(state).toBeUndefined();
  }
});

test("the claim of a prebuild keeps the tokens of its agents, which another start replaces", async () => {
  await using fleet = await createTerraformHarness();
  const main = `${CODER}
data "coder_workspace" "me" {}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
  env  = { CLAIM = tostring(data.coder_workspace.me.is_prebuild_claim), PREBUILD = tostring(data.coder_workspace.me.prebuild_count) }
}
resource "coder_agent" "other" {
  os   = "linux"
  arch = "amd64"
}
resource "terraform_data" "machine" {
  triggers_replace = [coder_agent.main.token, coder_agent.other.token]
}`;
  const files = { "main.tf": main };
  const start = async (more: { state?: Uint8Array; metadata: object }) =>
    (await buildResult(await fleet.build(files, Transition.START, more))).state;
  const of = (state: Uint8Array) => {
    const instances = instancesOfState(state);
    const named = (label: string) => instances.find((instance) => instance.label === label)!.values;
    const { env, token } = named("coder_agent.main");
    return {
      env,
      tokens: [token, named("coder_agent.other").token],
      machine: named("terraform_data.machine").id,
    };
  };
  const prebuilt = await start({ metadata: { isPrebuild: true } });
  const claimed = await start({ state: prebuilt, metadata: { isPrebuildClaim: true } });
  const restarted = await start({ state: claimed, metadata: {} });
  expect(of(prebuilt).env).toEqual({ CLAIM: "false", PREBUILD: "1" });
  expect(of(claimed)).toEqual({ ...of(prebuilt), env: { CLAIM: "true", PREBUILD: "0" } });
  expect(new Set(of(claimed).tokens).size).toBe(2);
  expect(of(restarted).tokens).not.toEqual(of(claimed).tokens);
  expect(of(restarted).machine).not.toBe(of(claimed).machine);
});
