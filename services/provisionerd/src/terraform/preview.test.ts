import { Transition } from "@fleet/proto-gen/provisioner";
import { buildResult, CODER, createTerraformHarness, failure, planResult } from "../testing/terraform.js";

/** Its volume is replaced when its size changes, and its process when the image does. */
const SIZED = {
  "main.tf": `${CODER}
data "coder_workspace" "me" {}
data "coder_parameter" "size" {
  name    = "size"
  default = "1"
  mutable = true
}
data "coder_parameter" "token" {
  name    = "token"
  default = "first-secret"
  mutable = true
}
resource "coder_agent" "dev" {
  os   = "linux"
  arch = "amd64"
}
resource "terraform_data" "home" {
  triggers_replace = { size = data.coder_parameter.size.value }
  input            = sensitive(data.coder_parameter.token.value)
}
resource "terraform_data" "process" {
  count            = data.coder_workspace.me.start_count
  triggers_replace = [terraform_data.home.id]
  input            = coder_agent.dev.id
}
resource "coder_metadata" "home" {
  resource_id = terraform_data.home.id
  daily_cost  = data.coder_parameter.size.value
}
`,
};

test("a plan of a workspace says what it replaces, why, and what it costs, without sensitive values", async () => {
  await using fleet = await createTerraformHarness();
  const values = { size: "1", token: "first-secret" };
  const { state } = await buildResult(await fleet.build(SIZED, Transition.START, { values }));

  const same = await planResult(await fleet.plan(SIZED, { state, values }));
  expect(same.plan!.changes.filter(({ actions }) => actions.includes("delete"))).toEqual([]);
  expect(same.dailyCost).toBe(1);

  const changed = { size: "3", token: "second-secret" };
  const { plan, dailyCost } = await planResult(await fleet.plan(SIZED, { state, values: changed }));
  const byAddress = new Map(plan!.changes.map((change) => [change.address, change]));
  expect(dailyCost).toBe(3);
  expect(byAddress.get("terraform_data.home")).toMatchObject({
    mode: "managed",
    type: "terraform_data",
    actions: ["delete", "create"],
    replacePaths: ['["triggers_replace"]'],
  });
  expect(byAddress.get("terraform_data.process[0]")).toMatchObject({ actions: ["delete", "create"] });
  const home = byAddress.get("terraform_data.home")!;
  expect(JSON.stringify([home.before, home.after])).not.toContain("-secret");

  const unrefreshed = await planResult(await fleet.plan(SIZED, { state, values, skipRefresh: true }));
  expect(unrefreshed.plan!.changes.filter(({ actions }) => actions.includes("create"))).toEqual([]);
}, 60_000);

test("a plan that terraform rejects fails with its message", async () => {
  await using fleet = await createTerraformHarness();
  const { state } = await buildResult(await fleet.build(SIZED, Transition.START));
  const broken = { "main.tf": `${SIZED["main.tf"]}\noutput "x" { value = terraform_data.absent.id }\n` };
  const { error } = await failure(await fleet.plan(broken, { state, values: {} }));
  expect(error).toContain("terraform_data.absent");
}, 60_000);
