import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFleet } from "./harness/fleet.js";
import { succeed } from "./harness/workspace.js";

/** Its home persists over stops and is replaced when the disk's type changes; its process lives while it is started. */
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

test("a user sees that an update would lose data and what it costs, and nothing happens until the user accepts it", async () => {
  await using fleet = await startFleet();
  const folder = await mkdtemp(join(tmpdir(), "plan-"));
  const push = async (text: string, ...args: string[]) => {
    await writeFile(join(folder, "main.tf"), text);
    return fleet.coder(["templates", "push", "disks", "-d", folder, "-y", ...args]);
  };
  try {
    expect((await push(template("hdd", 1), "--name", "v1")).code).toBe(0);
    await succeed(fleet, ["create", "dev", "--template", "disks", "-y"]);
    expect(await succeed(fleet, ["start", "dev", "--plan"])).toContain("Plan for ");

    const pushed = await push(template("ssd", 3), "--name", "v2", "--plan-workspaces");
    expect(pushed.stdout).toMatch(
      /Of 1 planned workspaces \(1 in total\): 1 lose data\.\n {2}\S+\/dev {2}loses data: terraform_data\.home\n/,
    );
    expect(pushed.stderr).toContain("Version v2 was not activated");
    expect(pushed.code).toBe(1);
    await succeed(fleet, ["templates", "versions", "promote", "-t", "disks", "--template-version", "v2"]);
    await succeed(fleet, ["templates", "edit", "disks", "--data-loss-policy", "ask", "-y"]);

    const plan = await succeed(fleet, ["update", "dev", "--plan"]);
    expect(plan).toMatch(/^Plan for \S+\/dev: 0 to add, 0 to change, 2 to replace, 0 to destroy\.\n/);
    expect(plan).toContain(
      "Loses data:\n  -/+ terraform_data.home  (replaced because of triggers_replace)\n",
    );
    expect(plan).toContain("Changes:\n  -/+ terraform_data.process[0]");
    expect(plan).not.toContain("outside of Terraform");
    expect(plan).toContain("Cost: 1 → 3 credits per day");

    const refused = await fleet.coder(["update", "dev", "-y"]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("This build would lose data: terraform_data.home would be replaced");
    const { workspaces } = await fleet.client.workspaceList();
    expect(workspaces[0]).toMatchObject({ outdated: true, latest_build: { transition: "start" } });

    await succeed(fleet, ["update", "dev", "-y", "--accept-data-loss"]);
    const updated = (await fleet.client.workspaceList()).workspaces[0]!;
    expect(updated).toMatchObject({ outdated: false, latest_build: { status: "running", daily_cost: 3 } });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
