import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "@fleet/testkit";
import { type Fleet, startFleet } from "./harness/fleet.js";
import { succeed, workspaceOf } from "./harness/workspace.js";

const TEMPLATE = `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace_owner" "me" {}
data "coder_parameter" "ides" {
  name    = "ides"
  type    = "list(string)"
  mutable = true
  default = jsonencode(["code"])
}
data "coder_parameter" "jetbrains" {
  count   = contains(jsondecode(data.coder_parameter.ides.value), "jetbrains") ? 1 : 0
  name    = "jetbrains"
  mutable = true
  default = "\${data.coder_workspace_owner.me.name}-goland"
}
resource "terraform_data" "machine" {
  input = try(data.coder_parameter.jetbrains[0].value, "none")
}
`;
const WITH_JETBRAINS = { ides: '["jetbrains"]' };

async function valuesOf(fleet: Fleet): Promise<Record<string, string>> {
  const build = await waitFor(
    async () => {
      const { latest_build } = await workspaceOf(fleet, "dev");
      return latest_build.job.completed_at ? latest_build : undefined;
    },
    { what: "the build to end", timeoutMs: 60_000 },
  );
  expect(build.job.error ?? "").toBe("");
  const values = await fleet.client.workspaceBuildParameters({ params: { build: build.id } });
  return Object.fromEntries(values.map(({ name, value }) => [name, value]));
}

test("terraform decides what a form asks for and what a build accepts", async () => {
  await using fleet = await startFleet();
  const folder = await mkdtemp(join(tmpdir(), "dynamic-"));
  try {
    await writeFile(join(folder, "main.tf"), TEMPLATE);
    await succeed(fleet, ["templates", "push", "dynamic", "--directory", folder, "--yes"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const organization = "default";
  const template = await fleet.client.templateGetByName({
    params: { organization, templateName: "dynamic" },
  });
  const params = { version: template.active_version_id };
  const answers = fleet.client.templateVersionDynamicParameters({ params });
  answers.send({ id: 1, inputs: WITH_JETBRAINS });
  const shown: string[][] = [];
  for await (const { id, diagnostics, parameters } of answers) {
    expect(diagnostics).toEqual([]);
    shown.push(parameters.map(({ name, value }) => `${name}=${value.value}`));
    if (id === 1) break;
  }
  const { username } = await fleet.client.userGet({ params: { user: "me" } });
  expect(shown).toEqual([['ides=["code"]'], ['ides=["jetbrains"]', `jetbrains=${username}-goland`]]);

  const create = (name: string, given: Record<string, string>) =>
    fleet.client.workspaceCreate({
      params: { user: "me" },
      body: {
        name,
        template_id: template.id,
        rich_parameter_values: Object.entries(given).map(([name, value]) => ({ name, value })),
      },
    });
  await expect(create("refused", { jetbrains: "rider" })).rejects.toMatchObject({ code: "invalid_argument" });
  await create("dev", { ...WITH_JETBRAINS, jetbrains: "rider" });
  expect(await valuesOf(fleet)).toEqual({ ...WITH_JETBRAINS, jetbrains: "rider" });

  const { id } = await workspaceOf(fleet, "dev");
  const values = [{ name: "ides", value: '["code"]' }];
  await fleet.client.workspaceBuildCreate({
    params: { workspace: id },
    body: { transition: "start", rich_parameter_values: values },
  });
  expect(await valuesOf(fleet)).toEqual({ ides: '["code"]' });
}, 180_000);
