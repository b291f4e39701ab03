import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Transition } from "@fleet/proto-gen/provisioner";
import { outputOf } from "../testing/coderd.js";
import { buildResult, createTerraformHarness, importResult } from "../testing/terraform.js";

const ROOT = join(import.meta.dirname, "../../../..");
const PINNED = "9.9.9";

const mirror = mkdtempSync(join(tmpdir(), "pinned-"));
afterAll(() => rmSync(mirror, { recursive: true, force: true }));
/** A mirror in which the provider has another version. */
beforeAll(() => {
  execFileSync(process.execPath, [join(ROOT, "packages/terraform-provider/build.mjs"), mirror]);
  const folder = join(mirror, "registry.terraform.io/coder/coder");
  const [version] = readdirSync(folder);
  renameSync(join(folder, version!), join(folder, PINNED));
  for (const platform of readdirSync(join(folder, PINNED))) {
    const [file] = readdirSync(join(folder, PINNED, platform));
    renameSync(
      join(folder, PINNED, platform, file!),
      join(folder, PINNED, platform, `terraform-provider-coder_v${PINNED}`),
    );
  }
});

const FILES = {
  "main.tf": `terraform {
  required_providers {
    coder = {
      source  = "coder/coder"
      version = "${PINNED}"
    }
  }
}
data "coder_workspace" "me" {}
data "coder_parameter" "size" {
  name    = "size"
  default = "small"
}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
resource "terraform_data" "machine" {
  input = "\${data.coder_workspace.me.name} \${data.coder_parameter.size.value} \${coder_agent.main.token}"
}
resource "coder_metadata" "machine" {
  resource_id = terraform_data.machine.id
  daily_cost  = 7
  item {
    key   = "input"
    value = "\${data.coder_workspace.me.name} \${data.coder_parameter.size.value}"
  }
}
`,
};

test("the provider version that a template pins is installed and run if the daemon allows it", async () => {
  await using fleet = await createTerraformHarness({ mirror, honorsPins: true });
  const record = await fleet.importOf(FILES);
  const { prepared, richParameters } = await importResult(record);
  expect(JSON.stringify(outputOf(record))).not.toContain("is used instead");
  expect(Buffer.from(prepared!.providerLock).toString()).toContain(`version     = "${PINNED}"`);
  expect(richParameters).toMatchObject([{ name: "size" }]);

  const { resources, state } = await buildResult(
    await fleet.build(FILES, Transition.START, { prepared: prepared!, values: { size: "large" } }),
  );
  expect(resources).toMatchObject([
    { agents: [{ name: "main" }], dailyCost: 7, metadata: [{ key: "input", value: "demo large" }] },
  ]);
  expect(fleet.coderd.costs).toEqual([7]);
  const deleted = await fleet.build(FILES, Transition.DELETE, { prepared: prepared!, state });
  expect((await buildResult(deleted)).resources).toEqual([]);
});

test("otherwise the built-in version is used, with a warning", async () => {
  await using fleet = await createTerraformHarness({ mirror });
  const record = await fleet.importOf(FILES);
  await importResult(record);
  expect(JSON.stringify(outputOf(record))).toContain("is used instead");
});
