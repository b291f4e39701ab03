import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFleet } from "./harness/fleet.js";
import { succeed } from "./harness/workspace.js";

/** Its home persists over stops, is replaced when the disk's type changes, and has a value that nobody may see. */
const template = (disk: string, cost: number) => `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
resource "terraform_data" "home" {
  triggers_replace = { disk = "${disk}" }
  input            = sensitive("hunter2-of-ana")
}
resource "terraform_data" "process" {
  count            = data.coder_workspace.me.start_count
  triggers_replace = [coder_agent.main.token, terraform_data.home.id]
}
resource "coder_metadata" "home" {
  resource_id = terraform_data.home.id
  daily_cost  = ${cost}
}
`;

const POLICIES = `
name: keep-data
mode: deny
transitions: [start, stop]
expression: plan.changes.exists(c, c.loses_data)
message: Ask the platform team before you replace a disk.
message_expression: |
  plan.changes.filter(c, c.loses_data).map(c, c.address + ' of ' + c.after.triggers_replace.disk).join(', ')
    + ' would be replaced.'
---
name: cost-limit
mode: deny
expression: cost.after > 5
message: Workspaces may cost at most 5 credits per day.
---
name: no-secrets
mode: warn
expression: plan.changes.exists(c, 'input' in c.sensitive && !has(c.after.input))
message: A value is sensitive.
`;

test("a build that a policy denies destroys nothing, on Terraform's own plan, and runs once the policy is gone", async () => {
  await using fleet = await startFleet();
  const folder = await mkdtemp(join(tmpdir(), "policy-"));
  const file = join(folder, "policies.yaml");
  const push = async (text: string, ...args: string[]) => {
    await writeFile(join(folder, "main.tf"), text);
    return succeed(fleet, ["templates", "push", "disks", "-d", folder, "-y", ...args]);
  };
  /** The volume as Terraform has it. */
  const home = async () => {
    const { resources } = JSON.parse(await succeed(fleet, ["state", "pull", "dev"])) as {
      resources: { type: string; name: string; instances: { attributes: object }[] }[];
    };
    return resources.find(({ type, name }) => type === "terraform_data" && name === "home")!.instances;
  };
  try {
    await push(template("hdd", 1), "--name", "v1");
    await succeed(fleet, ["create", "dev", "--template", "disks", "-y"]);
    await push(template("ssd", 3), "--name", "v2");
    await succeed(fleet, ["update", "dev", "--plan"]);

    // Tried on the plan that was just made, then in force.
    await writeFile(file, POLICIES);
    const dry = await fleet.coder(["policy", "push", file, "--dry-run"]);
    expect(dry.code).toBe(1);
    expect(dry.stdout).toContain("keep-data (deny): 1 of 1 recent plans violate it.");
    expect(dry.stdout).toContain("terraform_data.home of ssd would be replaced.");
    expect(dry.stdout).toContain("cost-limit (deny): 0 of 1 recent plans violate it.");
    await succeed(fleet, ["policy", "push", file]);

    const preview = await succeed(fleet, ["update", "dev", "--plan"]);
    expect(preview).toContain(
      "Policies:\n  denied  keep-data: terraform_data.home of ssd would be replaced.\n",
    );

    const before = await home();
    const denied = await fleet.coder(["update", "dev", "-y"]);
    expect(denied.code).toBe(1);
    expect(denied.stderr).toContain(
      'This build was denied. Policy "keep-data": terraform_data.home of ssd would be replaced. Nothing was changed.',
    );
    // An update stops the workspace first; its volume is as it was.
    expect(await home()).toEqual(before);
    const { latest_build } = (await fleet.client.workspaceList()).workspaces[0]!;
    const results = await fleet.client.workspaceBuildPolicies({ params: { build: latest_build.id } });
    expect(results.map(({ policy_name, outcome }) => [policy_name, outcome])).toEqual([
      ["cost-limit", "passed"],
      ["keep-data", "violated"],
      ["no-secrets", "violated"],
    ]);
    expect(JSON.stringify(results)).not.toContain("hunter2");

    // The author of a template sees it, too.
    await writeFile(join(folder, "main.tf"), template("ssd", 9));
    const tested = await fleet.coder(["templates", "test", folder]);
    expect(tested.stdout).toContain("denied  cost-limit: Workspaces may cost at most 5 credits per day.");
    expect(tested.code).toBe(1);

    await succeed(fleet, ["policy", "delete", "keep-data", "-y"]);
    const updated = await fleet.coder(["start", "dev", "-y"]);
    expect(updated.code).toBe(0);
    expect(`${updated.stdout}${updated.stderr}`).toContain(
      'Warning: Policy "no-secrets": A value is sensitive.',
    );
    expect(await succeed(fleet, ["policy", "list"])).not.toContain("keep-data");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
