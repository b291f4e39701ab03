import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Diagnostic_Severity, type EvaluatedParameters } from "@fleet/proto-gen/provisioner";
import { packFiles } from "@fleet/provisionersdk";
import { waitFor } from "@fleet/testkit";
import { createTestEvaluator } from "../../testing/evaluation.js";
import { CODER } from "../../testing/terraform.js";

type Evaluator = Awaited<ReturnType<typeof createTestEvaluator>>;
let evaluator: Evaluator;
beforeAll(async () => {
  evaluator = await createTestEvaluator({ CODER_TEST_SECRET: "of-the-daemon" });
});
afterAll(() => evaluator[Symbol.asyncDispose]());

const main = (text: string) => ({ "main.tf": `${CODER}${text}` });

/** Values by name; `undefined` for a parameter without one. */
const valuesOf = ({ parameters }: EvaluatedParameters) =>
  Object.fromEntries(parameters.map(({ definition, value }) => [definition!.name, value]));
const optionsOf = ({ parameters }: EvaluatedParameters, name: string) =>
  parameters
    .find(({ definition }) => definition!.name === name)!
    .definition!.options.map(({ value }) => value);
const faultsOf = ({ parameters }: EvaluatedParameters) =>
  Object.fromEntries(
    parameters
      .filter(({ diagnostics }) => diagnostics.length > 0)
      .map(({ definition, diagnostics }) => [definition!.name, diagnostics.map(({ summary }) => summary)]),
  );

const IDES = main(`
locals {
  ides    = jsondecode(data.coder_parameter.ides.value)
  regions = yamldecode(file("\${path.module}/regions.yaml"))
}
data "coder_parameter" "ides" {
  name    = "ides"
  type    = "list(string)"
  default = jsonencode(["code"])
}
data "coder_parameter" "jetbrains" {
  count   = contains(local.ides, "jetbrains") ? 1 : 0
  name    = "jetbrains"
  default = "\${data.coder_workspace_owner.me.name}-goland"
}
data "coder_parameter" "each" {
  for_each = toset(local.ides)
  name     = "version of \${each.key}"
  default  = "1"
}
data "coder_parameter" "region" {
  name    = "region"
  default = local.regions[0]
  dynamic "option" {
    for_each = local.regions
    content {
      name  = upper(option.value)
      value = option.value
    }
  }
}
data "coder_parameter" "admin" {
  count = contains(data.coder_workspace_owner.me.groups, "admins") ? 1 : 0
  name  = "admin"
}
data "coder_workspace_owner" "me" {}
data "coder_workspace_tags" "tags" {
  tags = { zone = data.coder_parameter.region.value }
}
data "coder_workspace_preset" "big" {
  name       = "Big"
  parameters = { (data.coder_parameter.region.name) = local.regions[1] }
}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
resource "coder_app" "app" {
  agent_id = coder_agent.main.id
  slug     = "app"
  url      = "http://localhost:\${data.coder_parameter.region.value}"
}
`);
const WITH_REGIONS = { ...IDES, "regions.yaml": "- eu\n- us\n" };

test("count, for_each, dynamic options, locals, the owner and files of the archive decide what is asked", async () => {
  const first = await evaluator.evaluate(WITH_REGIONS);
  expect(first.diagnostics).toEqual([]);
  expect(valuesOf(first)).toEqual({ ides: '["code"]', region: "eu", "version of code": "1" });
  expect(optionsOf(first, "region")).toEqual(["eu", "us"]);
  expect(first.workspaceTags).toEqual({ zone: "eu" });
  expect(first.presets).toMatchObject([{ name: "Big", parameters: { region: "us" } }]);

  const inputs = { ides: '["jetbrains"]', region: "us" };
  const next = await evaluator.evaluate(WITH_REGIONS, { inputs, groups: ["admins"] });
  expect(valuesOf(next)).toEqual({
    admin: undefined,
    ides: '["jetbrains"]',
    jetbrains: "ana-goland",
    region: "us",
    "version of jetbrains": "1",
  });
  expect(next.workspaceTags).toEqual({ zone: "us" });
  expect(next.parameters.find(({ definition }) => definition!.name === "admin")).toMatchObject({
    definition: { required: true },
    diagnostics: [],
  });
});

test("modules of the template are evaluated, as far as they decide, with what they give each other", async () => {
  const evaluated = await evaluator.evaluate({
    ...main(`
variable "prefix" { default = "p" }
module "size" {
  source    = "./modules/size"
  count     = data.coder_workspace.me.start_count
  agent_id  = coder_agent.main.id
  prefix    = "\${var.prefix}-\${data.coder_parameter.team.value}"
}
module "apps" {
  source   = "./modules/apps"
  agent_id = coder_agent.main.id
}
data "coder_workspace" "me" {}
data "coder_parameter" "team" {
  name    = "team"
  default = "x"
}
data "coder_parameter" "disk" {
  name    = "disk"
  default = module.size[0].disk
}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}`),
    "modules/size/main.tf": `${CODER}
variable "prefix" { type = string }
variable "agent_id" { type = string }
module "inner" {
  source = "../inner"
  name   = var.prefix
}
output "disk" { value = module.inner.name == "p-x" ? "10" : "20" }
resource "coder_script" "s" {
  agent_id     = var.agent_id
  display_name = "s"
  script       = "true"
}`,
    "modules/inner/main.tf": `${CODER}
variable "name" {}
data "coder_parameter" "inner" {
  name    = "inner \${var.name}"
  default = "1"
}
output "name" { value = var.name }`,
    "modules/apps/main.tf": `variable "agent_id" {}\nresource "docker_image" "broken" { name = nonsense.thing }`,
  });
  expect(evaluated.diagnostics).toEqual([]);
  expect(valuesOf(evaluated)).toEqual({ disk: "10", "inner p-x": "1", team: "x" });
});

test("a value that is not valid is told at its field, and the others are shown", async () => {
  const files = main(`
data "coder_parameter" "cpus" {
  name    = "cpus"
  type    = "number"
  default = 2
  validation {
    min = 1
    max = 8
  }
}
data "coder_parameter" "zone" {
  name = "zone"
  option {
    name  = "A"
    value = "a"
  }
}
data "coder_parameter" "after" {
  name    = "after"
  default = data.coder_parameter.cpus.value
}`);
  const evaluated = await evaluator.evaluate(files, { inputs: { cpus: "99", zone: "b" } });
  expect(evaluated.diagnostics).toEqual([]);
  expect(valuesOf(evaluated)).toEqual({ after: "99", cpus: "99", zone: "b" });
  expect(faultsOf(evaluated)).toEqual({
    cpus: ['Invalid value for parameter "cpus"'],
    zone: ['Not among the options: "b".'],
  });
  expect(valuesOf(await evaluator.evaluate(files))).toEqual({ after: "2", cpus: "2", zone: undefined });
});

test("what depends on a resource, or on data from outside, is unknown and says so", async () => {
  const evaluated = await evaluator.evaluate(
    main(`
data "docker_registry_image" "image" { name = "ubuntu" }
resource "docker_volume" "home" { name = "home" }
data "coder_parameter" "image" {
  name    = "image"
  default = data.docker_registry_image.image.sha256_digest
  description = "known"
}
data "coder_parameter" "plain" {
  name    = "plain"
  default = "\${data.coder_parameter.other.value}"
}
data "coder_parameter" "other" {
  name    = "other"
  default = "y"
  description = docker_volume.home["x"].mountpoint
}`),
    { inputs: { image: "given" } },
  );
  expect(valuesOf(evaluated)).toEqual({ image: "given", other: "y", plain: undefined });
  expect(evaluated.parameters.map(({ definition, unknown }) => [definition!.name, unknown])).toEqual([
    ["image", ["default"]],
    ["other", ["description"]],
    ["plain", ["default"]],
  ]);
  expect(evaluated.parameters[0]!.definition!.description).toBe("known");
  expect(evaluated.parameters.every(({ diagnostics }) => diagnostics.length === 1)).toBe(true);
});

test("how many there are can be known later, which is no error of the template", async () => {
  const evaluated = await evaluator.evaluate(
    main(`
data "http" "ides" {
  url = "http://127.0.0.1:1/"
}
data "coder_parameter" "maybe" {
  count   = length(jsondecode(data.http.ides.response_body))
  name    = "maybe"
  default = "x"
}
data "coder_parameter" "a" {
  name    = "a"
  default = "\${data.coder_workspace_owner.me.name}"
}
data "coder_workspace_owner" "me" {}`),
  );
  expect(evaluated.partial).toBe(true);
  expect(valuesOf(evaluated)).toEqual({ a: "ana" });
  expect(evaluated.diagnostics).toMatchObject([
    { severity: Diagnostic_Severity.WARNING, summary: "Invalid count argument" },
  ]);
});

test("an error of the template is told with its place and line", async () => {
  const cycle = await evaluator.evaluate(
    main(`
data "coder_parameter" "a" {
  name    = "a"
  default = data.coder_parameter.b.value
}
data "coder_parameter" "b" {
  name    = "b"
  default = data.coder_parameter.a.value
}`),
  );
  expect(cycle.diagnostics).toMatchObject([
    { severity: Diagnostic_Severity.ERROR, summary: expect.stringMatching(/^Cycle/) },
  ]);

  const failing = await evaluator.evaluate(
    main(`
locals {
  list = ["a"]
}

data "coder_parameter" "a" {
  name    = "a"
  default = local.list[data.coder_parameter.n.value]
}
data "coder_parameter" "n" {
  name    = "n"
  type    = "number"
  default = 0
}`),
    { inputs: { n: "7" } },
  );
  expect(valuesOf(failing)).toEqual({ n: "7" });
  expect(failing.diagnostics).toMatchObject([
    { summary: "Invalid index", detail: expect.stringMatching(/^main\.tf:13: default = local\.list\[/) },
  ]);

  const broken = await evaluator.evaluate({ "main.tf": "data {{" });
  expect(broken.diagnostics).toMatchObject([{ summary: expect.stringContaining("main.tf:1") }]);
});

test("the template's variables and their files count", async () => {
  const files = {
    ...main(`
variable "region" { type = string }
variable "sizes" { type = list(number) }
data "coder_parameter" "region" {
  name    = "region"
  default = "\${var.region}-\${max(var.sizes...)}-\${data.coder_workspace_owner.me.name}"
}
data "coder_workspace_owner" "me" {}`),
    "terraform.tfvars": "sizes = [1, 5]\nunused = 1\n",
  };
  const evaluated = await evaluator.evaluate(files, { variables: { region: "eu" } });
  expect(evaluated.diagnostics).toEqual([]);
  expect(valuesOf(evaluated)).toEqual({ region: "eu-5-ana" });
});

test("nothing that a template could run is run, nothing is fetched, and the daemon's environment is not there", async () => {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.end("{}");
  }).listen(0, "127.0.0.1");
  await waitFor(() => server.listening, { what: "the server" });
  const marker = join(evaluator.cacheDirectory, "ran");
  const evaluated = await evaluator.evaluate({
    ...main(`
data "external" "evil" { program = ["touch", "${marker}"] }
data "http" "evil" { url = "http://127.0.0.1:${(server.address() as AddressInfo).port}/" }
resource "terraform_data" "evil" {
  provisioner "local-exec" { command = "touch ${marker}" }
}
resource "null_resource" "evil" {
  provisioner "local-exec" { command = "touch ${marker}" }
}
terraform {
  backend "http" { address = "http://127.0.0.1:${(server.address() as AddressInfo).port}/" }
}
data "coder_parameter" "a" {
  name    = "a"
  default = data.external.evil.result.x
}
data "coder_parameter" "b" {
  name    = "b"
  default = data.http.evil.response_body
}
data "coder_parameter" "env" {
  name    = "env"
  default = base64encode(file("/proc/self/environ"))
}`),
    ".terraform/modules/modules.json": '{"Modules":[{"Key":"","Source":"","Dir":"../../.."}]}',
    "terraform.tfstate": "not a state",
  });
  server.closeAllConnections();
  server.close();
  expect(evaluated.parameters.map(({ definition, unknown }) => [definition!.name, unknown])).toEqual([
    ["a", ["default"]],
    ["b", ["default"]],
    ["env", []],
  ]);
  const environment = Buffer.from(valuesOf(evaluated).env!, "base64").toString();
  expect(environment).toContain("PATH=");
  expect(environment).not.toContain("of-the-daemon");
  expect(requests).toBe(0);
  expect(existsSync(marker)).toBe(false);
});

test("modules from elsewhere are evaluated as the import installed them, and their source is not asked again", async () => {
  const archive = gzipSync(
    await packFiles({
      "main.tf": `${CODER}
variable "ides" { type = string }
data "coder_parameter" "jetbrains" {
  count   = var.ides == "jetbrains" ? 1 : 0
  name    = "jetbrains"
  default = file("\${path.module}/default.txt")
}`,
      "default.txt": "goland",
    }),
  );
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.writeHead(200, { "content-type": "application/gzip" }).end(archive);
  }).listen(0, "127.0.0.1");
  await waitFor(() => server.listening, { what: "the server" });
  const files = main(`
data "coder_parameter" "ides" {
  name    = "ides"
  default = "code"
}
module "jetbrains" {
  source = "http://127.0.0.1:${(server.address() as AddressInfo).port}/jetbrains.tar.gz"
  ides   = data.coder_parameter.ides.value
}`);
  expect(await evaluator.import(files)).toMatchObject({ dynamicParameters: true });
  server.closeAllConnections();
  server.close();
  const asked = requests;
  const evaluated = await evaluator.evaluate(files, { inputs: { ides: "jetbrains" } });
  expect(evaluated.diagnostics).toEqual([]);
  expect(valuesOf(evaluated)).toEqual({ ides: "jetbrains", jetbrains: "goland" });
  expect(requests).toBe(asked);

  const other = main(`${files["main.tf"].slice(CODER.length)}\n# not imported here`);
  const without = await evaluator.evaluate(other, { inputs: { ides: "jetbrains" } });
  expect(valuesOf(without)).toEqual({ ides: "jetbrains" });
  expect(without.diagnostics).toMatchObject([
    { severity: Diagnostic_Severity.WARNING, detail: expect.stringContaining("module.jetbrains") },
  ]);
});

/** IDs of the processes that run in a folder. */
async function processesIn(folder: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const env = await readFile(`/proc/${name}/environ`, "utf8").catch(() => "");
    if (env.includes(`TMPDIR=${folder}`)) found.push(Number(name));
  }
  return found;
}

test("a canceled evaluation kills its process", async () => {
  const tmp = join(evaluator.cacheDirectory, "tmp");
  await using own = await createTestEvaluator({ TMPDIR: tmp });
  // Minutes of work for terraform, and no memory.
  const slow = main(`
locals {
  n = range(1000)
  s = sum([for a in local.n : sum([for b in local.n : sum([for c in local.n : a * b * c])])])
}
data "coder_parameter" "a" {
  name    = "a"
  default = local.s
}`);
  const reader = new AbortController();
  const evaluation = own.evaluate(slow, { signal: reader.signal });
  evaluation.catch(() => {});
  await waitFor(async () => (await processesIn(tmp)).length > 0, {
    what: "terraform to run",
    timeoutMs: 20_000,
  });
  reader.abort();
  await expect(evaluation).rejects.toMatchObject({ code: "canceled" });
  await waitFor(async () => (await processesIn(tmp)).length === 0, { what: "terraform to be killed" });
});
