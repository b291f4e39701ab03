import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Transition } from "@fleet/proto-gen/provisioner";
import { outputOf } from "../testing/coderd.js";
import {
  buildResult,
  CODER,
  createTerraformHarness,
  ENGINE,
  failure,
  HAS_MIRROR,
  importResult,
  REGISTRY,
} from "../testing/terraform.js";

// What differs between engines and their versions, on the engine of the tests.

const AGENT = `${CODER}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
resource "terraform_data" "box" {
  input = coder_agent.main.token
}`;

/** An executable that prints something around what the engine prints. */
async function createWrapper(script: string) {
  const folder = await mkdtemp(join(tmpdir(), "fleet-wrapper-"));
  const path = join(folder, "engine");
  await writeFile(path, `#!/bin/sh\n${script.replaceAll("ENGINE", ENGINE.path)}\n`);
  await chmod(path, 0o755);
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

test("warnings around an engine's output do not disturb a job, and are logged once", async () => {
  await using wrapper = await createWrapper(
    `printf '\\033[33mWarning: the settings are odd\\033[0m\\r\\n{ not a message\\r\\n'; ENGINE "$@"; status=$?; echo 'a newer version is out'; exit $status`,
  );
  await using fleet = await createTerraformHarness({ program: wrapper.path });
  const record = await fleet.importOf({ "main.tf": AGENT });
  const { prepared, startResources } = await importResult(record);
  expect(startResources).toMatchObject([{ address: "terraform_data.box", agents: [{ name: "main" }] }]);
  expect(outputOf(record).filter((line) => line.includes("the settings are odd"))).toHaveLength(1);
  expect(prepared!.graph).toMatch(/^digraph/);
  const started = await buildResult(
    await fleet.build({ "main.tf": AGENT }, Transition.START, { prepared: prepared! }),
  );
  expect(started.resources).toMatchObject([{ agents: [{ name: "main" }] }]);
});

test("variables of the host that steer an engine are not passed on", async () => {
  await using fleet = await createTerraformHarness({
    hostEnv: {
      TF_CLI_ARGS: "-nonsense",
      TF_CLI_ARGS_plan: "-out=elsewhere",
      TF_DATA_DIR: "/nowhere",
      TF_ENCRYPTION: "nonsense",
      TF_STATE_PERSIST_INTERVAL: "1",
      TF_WORKSPACE: "other",
    },
  });
  const { prepared } = await importResult(await fleet.importOf({ "main.tf": AGENT }));
  await buildResult(await fleet.build({ "main.tf": AGENT }, Transition.START, { prepared: prepared! }));
});

test("an error of a template on an outdated engine says what it runs on", async () => {
  const [title, old] = ENGINE.name === "opentofu" ? ["OpenTofu", "1.10.1"] : ["Terraform", "1.11.1"];
  await using wrapper = await createWrapper(
    `if [ "$1" = version ]; then echo '${title} v${old}'; else exec ENGINE "$@"; fi`,
  );
  await using fleet = await createTerraformHarness({ program: wrapper.path });
  const { error } = await failure(
    await fleet.importOf({ "main.tf": `${CODER}output "x" {\n  value = not_yet_a_function(1)\n}` }),
  );
  expect(error).toContain("Call to unknown function");
  expect(error).toContain(`the provisioner runs ${title} ${old}: templates can need ${title} 1.1`);
});

test("an error of an apply has nothing to do with the engine's version", async () => {
  const [title, old] = ENGINE.name === "opentofu" ? ["OpenTofu", "1.10.1"] : ["Terraform", "1.11.1"];
  await using wrapper = await createWrapper(
    `if [ "$1" = version ]; then echo '${title} v${old}'; else exec ENGINE "$@"; fi`,
  );
  await using fleet = await createTerraformHarness({ program: wrapper.path });
  const files = {
    "main.tf": `${CODER}resource "terraform_data" "x" {\n  provisioner "local-exec" {\n    command = "exit 3"\n  }\n}`,
  };
  const { error } = await failure(await fleet.build(files, Transition.START));
  expect(error).toContain("local-exec");
  expect(error).not.toContain("the provisioner runs");
});

test("each kind of block is planned and applied", async () => {
  await using fleet = await createTerraformHarness();
  const main = `${AGENT}
variable "secret" {
  type      = string
  default   = "s"
  ephemeral = true
}
locals {
  encoded = provider::terraform::encode_tfvars({ a = 1 })
}
resource "terraform_data" "new_name" {
  input = local.encoded
  lifecycle {
    precondition {
      condition     = length(local.encoded) > 0
      error_message = "Empty."
    }
  }
}
moved {
  from = terraform_data.old_name
  to   = terraform_data.new_name
}
removed {
  from = terraform_data.gone
  lifecycle {
    destroy = true
  }
}
check "agent" {
  assert {
    condition     = coder_agent.main.os == "windows"
    error_message = "Not Windows."
  }
}`;
  const withFunctions = main.replace(
    "required_providers {",
    'required_providers {\n    terraform = { source = "terraform.io/builtin/terraform" }',
  );
  const old = `${AGENT}\nresource "terraform_data" "old_name" {}\nresource "terraform_data" "gone" {}`;
  const { state } = await buildResult(await fleet.build({ "main.tf": old }, Transition.START));
  const record = await fleet.importOf({ "main.tf": withFunctions });
  await importResult(record);
  expect(outputOf(record).join("\n")).toContain("Not Windows.");
  const built = await buildResult(
    await fleet.build({ "main.tf": withFunctions }, Transition.START, { state }),
  );
  expect(built.resources.map(({ address }) => address).sort()).toEqual([
    "terraform_data.box",
    "terraform_data.new_name",
  ]);
  expect(new TextDecoder().decode(built.state)).toContain("a = 1");
});

const onOpenTofu = ENGINE.name === "opentofu" ? test : test.skip;

test("a state is not encrypted by the template", async () => {
  await using fleet = await createTerraformHarness();
  const encryption = `terraform {
  encryption {
    key_provider "pbkdf2" "key" {
      passphrase = "a long passphrase of the template"
    }
    method "aes_gcm" "method" {
      keys = key_provider.pbkdf2.key
    }
    PART {
      method = method.aes_gcm.method
    }
  }
}
`;
  const refused = await failure(
    await fleet.importOf({ "main.tf": AGENT, "e.tf": encryption.replace("PART", "state") }),
  );
  expect(refused.error).toContain("e.tf:2: Workspace state is read by the server");
  const json = JSON.stringify({ terraform: { encryption: { state: { method: "x" } } } });
  const other = await failure(await fleet.importOf({ "main.tf": AGENT, "e.tf.json": json }));
  expect(other.error).toContain("e.tf.json: Workspace state is read by the server");
  if (ENGINE.name === "opentofu") {
    const files = { "main.tf": AGENT, "e.tf": encryption.replace("PART", "plan") };
    const { prepared } = await importResult(await fleet.importOf(files));
    await buildResult(await fleet.build(files, Transition.START, { prepared: prepared! }));
  }
});

onOpenTofu("a .tofu file is read in place of the .tf file of its name", async () => {
  await using fleet = await createTerraformHarness();
  const files = {
    "main.tf": 'terraform {\n  required_version = ">= 99"\n  backend "s3" {}\n}',
    "main.tofu": `${AGENT}\nvariable "tofu" {\n  default = "yes"\n}`,
  };
  const imported = await importResult(await fleet.importOf(files));
  expect(imported.templateVariables).toMatchObject([{ name: "tofu" }]);
  expect(imported.prepared).toMatchObject({ skipInit: true });
  expect(imported.startResources).toMatchObject([{ address: "terraform_data.box" }]);
});

onOpenTofu(
  "a version of Terraform that a template requires does not keep OpenTofu from running it",
  async () => {
    await using fleet = await createTerraformHarness();
    const main = `${AGENT}\nterraform {\n  required_version = ">= 1.99"\n}\nlanguage {\n  compatible_with {\n    opentofu = ">= 1.12"\n  }\n}`;
    const { prepared } = await importResult(await fleet.importOf({ "main.tf": main }));
    expect(prepared).toMatchObject({ skipInit: true });
  },
);

(ENGINE.name === "terraform" ? test : test.skip)(
  "a template of .tofu files names the engine that reads them",
  async () => {
    await using fleet = await createTerraformHarness();
    const { error } = await failure(await fleet.importOf({ "main.tofu": AGENT }));
    expect(error).toContain("only .tofu files, which Terraform does not read");
  },
);

const TIME = `${AGENT.replace("coder =", 'time = { source = "hashicorp/time" }\n    coder =')}
resource "time_static" "born" {}`;

(HAS_MIRROR ? test : test.skip)("a state of the other engine is gone on with", async () => {
  await using fleet = await createTerraformHarness();
  const { prepared } = await importResult(await fleet.importOf({ "main.tf": TIME }));
  const { state } = await buildResult(
    await fleet.build({ "main.tf": TIME }, Transition.START, { prepared: prepared! }),
  );
  const other = REGISTRY === "registry.terraform.io" ? "registry.opentofu.org" : "registry.terraform.io";
  const given = new TextEncoder().encode(new TextDecoder().decode(state).replaceAll(REGISTRY, other));
  const idOf = (bytes: Uint8Array) =>
    JSON.parse(new TextDecoder().decode(bytes)).resources.find(
      (each: { type: string }) => each.type === "time_static",
    ).instances[0].attributes.id as string;
  const started = await buildResult(
    await fleet.build({ "main.tf": TIME }, Transition.START, { prepared: prepared!, state: given }),
  );
  expect(idOf(started.state)).toBe(idOf(state));
  const deleted = await buildResult(
    await fleet.build({ "main.tf": TIME }, Transition.DELETE, { prepared: prepared!, state: given }),
  );
  expect(deleted.resources).toEqual([]);
  // Not required by the template any more.
  const removed = await buildResult(
    await fleet.build({ "main.tf": AGENT }, Transition.START, { state: given }),
  );
  expect(removed.resources.map(({ address }) => address)).toEqual(["terraform_data.box"]);
});
