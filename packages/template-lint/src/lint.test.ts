import { readdirSync } from "node:fs";
import { packFolder, readArchive, TAR_MIMETYPE } from "@fleet/provisionersdk";
import { lintTemplate, RULES } from "./lint.js";

function entry(path: string, text: string) {
  return { path, type: "file" as const, mode: 0o644, bytes: new TextEncoder().encode(text), target: "" };
}

/** The findings as `rule@file:line`. */
function found(files: Record<string, string>): string[] {
  const entries = Object.entries(files).map(([path, text]) => entry(path, text));
  return lintTemplate(entries as never).map(({ rule, file, line }) => `${rule}@${file}:${line}`);
}

/** For each rule, templates that break it, and the same with the mistake corrected. */
const CASES: Record<string, { wrong: string; line?: number; right: string }[]> = {
  "runs-while-stopped": [
    {
      wrong: `resource "docker_container" "dev" {\n  env = ["T=\${coder_agent.main.token}"]\n}`,
      right: `resource "docker_container" "dev" {\n  count = data.coder_workspace.me.start_count\n  env = ["T=\${coder_agent.main.token}"]\n}`,
    },
    {
      wrong: `locals {\n  start = coder_agent.main.init_script\n}\nresource "kubernetes_deployment" "dev" {\n  spec {\n    replicas = 1\n    command  = local.start\n  }\n}`,
      line: 4,
      right: `locals {\n  up = data.coder_workspace.me.transition == "start" ? 1 : 0\n}\nresource "kubernetes_deployment" "dev" {\n  spec {\n    replicas = local.up\n    command  = coder_agent.main.init_script\n  }\n}`,
    },
  ],
  "data-lost-on-stop": [
    {
      wrong: `resource "docker_volume" "home" {\n  count = data.coder_workspace.me.start_count\n  name = data.coder_workspace.me.id\n}`,
      right: `resource "docker_volume" "home" {\n  name = data.coder_workspace.me.id\n}`,
    },
  ],
  "data-lost-on-rename": [
    {
      wrong: `resource "docker_volume" "home" {\n  name = "home-\${data.coder_workspace.me.name}"\n}`,
      line: 2,
      right: `resource "docker_volume" "home" {\n  name = "home-\${data.coder_workspace.me.name}"\n  lifecycle {\n    ignore_changes = all\n  }\n}`,
    },
    {
      wrong: `locals {\n  labels = { owner = data.coder_workspace_owner.me.name }\n}\nresource "docker_volume" "home" {\n  name = "x"\n  dynamic "labels" {\n    for_each = local.labels\n    content {\n      label = labels.key\n    }\n  }\n}`,
      line: 7,
      right: `resource "docker_volume" "home" {\n  name = data.coder_workspace_owner.me.id\n}`,
    },
  ],
  "parameter-rules": [
    {
      wrong: `data "coder_parameter" "size" {\n  name = "size"\n  type = "number"\n  default = 9\n  validation {\n    min = 1\n    max = 5\n  }\n}`,
      right: `data "coder_parameter" "size" {\n  name = "size"\n  type = "number"\n  default = 5\n  validation {\n    min = 1\n    max = 5\n  }\n}`,
    },
    {
      wrong: `data "coder_parameter" "zone" {\n  name = "zone"\n  default = "us"\n  option {\n    name = "Europe"\n    value = "eu"\n  }\n}`,
      right: `data "coder_parameter" "zone" {\n  name = "zone"\n  default = "us"\n  dynamic "option" {\n    for_each = var.zones\n    content {\n      name = option.value\n      value = option.value\n    }\n  }\n}`,
    },
    {
      wrong: `data "coder_parameter" "name" {\n  name = "name"\n  validation {\n    regex = "(?=a)b"\n    error = "No."\n  }\n}`,
      right: `data "coder_parameter" "name" {\n  name = "name"\n  validation {\n    regex = "^[a-z]+$"\n    error = "Lowercase letters."\n  }\n}`,
    },
    {
      wrong: `data "coder_parameter" "n" {\n  name = "n"\n  type = "number"\n  validation {\n    min = 6\n    max = 5\n  }\n}`,
      right: `data "coder_parameter" "n" {\n  name = "n"\n  type = "number"\n  default = var.size\n}`,
    },
    {
      wrong: `data "coder_parameter" "n" {\n  name = "n"\n  type = "integer"\n}`,
      right: `data "coder_parameter" "n" {\n  name = "n"\n  type = "list(string)"\n  default = jsonencode(["a"])\n}`,
    },
  ],
  "ephemeral-default": [
    {
      wrong: `data "coder_parameter" "once" {\n  name = "once"\n  ephemeral = true\n  mutable = true\n}`,
      right: `data "coder_parameter" "once" {\n  name = "once"\n  ephemeral = true\n  mutable = true\n  default = "no"\n}`,
    },
    {
      wrong: `data "coder_parameter" "once" {\n  name = "once"\n  ephemeral = true\n  default = "no"\n}`,
      right: `data "coder_parameter" "once" {\n  name = "once"\n  default = "no"\n}`,
    },
  ],
  "invalid-name": [
    { wrong: `resource "coder_agent" "my_agent" {}`, right: `resource "coder_agent" "my-agent" {}` },
    {
      wrong: `resource "coder_app" "ide" {\n  slug = "My App"\n}`,
      line: 2,
      right: `resource "coder_app" "ide" {\n  slug = "my-app"\n}`,
    },
  ],
  "duplicate-name": [
    {
      wrong: `data "coder_parameter" "a" {\n  name = "zone"\n}\ndata "coder_parameter" "b" {\n  name = "zone"\n}`,
      line: 4,
      right: `data "coder_parameter" "a" {\n  name = "zone"\n}\ndata "coder_parameter" "b" {\n  count = 0\n  name = "zone"\n}`,
    },
    {
      wrong: `resource "coder_agent" "main" {}\nresource "coder_agent" "Main" {}`,
      line: 2,
      right: `resource "coder_agent" "main" {}\nresource "coder_agent" "other" {}`,
    },
  ],
  "unpinned-provider": [
    {
      wrong: `terraform {\n  required_providers {\n    docker = { source = "kreuzwerker/docker" }\n  }\n}`,
      line: 3,
      right: `terraform {\n  required_providers {\n    coder = { source = "coder/coder" }\n    docker = { source = "kreuzwerker/docker", version = "~> 4.0" }\n  }\n}`,
    },
  ],
  "unpinned-module": [
    {
      wrong: `module "ide" {\n  source = "registry.coder.com/coder/code-server/coder"\n}`,
      line: 2,
      right: `module "ide" {\n  source = "registry.coder.com/coder/code-server/coder"\n  version = "1.0.0"\n}`,
    },
    {
      wrong: `module "ide" {\n  source = "git::https://example.com/ide.git"\n}`,
      line: 2,
      right: `module "ide" {\n  source = "git::https://example.com/ide.git?ref=v1"\n}\nmodule "own" {\n  source = "./own"\n}`,
    },
  ],
  "removed-in-v2": [
    {
      wrong: `locals {\n  owner = data.coder_workspace.me.owner\n}`,
      line: 2,
      right: `locals {\n  owner = data.coder_workspace_owner.me.name\n}`,
    },
    { wrong: `data "coder_git_auth" "gh" {}`, right: `data "coder_external_auth" "gh" {}` },
  ],
  "stored-state": [
    {
      wrong: `terraform {\n  backend "s3" {}\n}`,
      line: 2,
      right: `terraform {\n  required_version = ">= 1.5"\n}`,
    },
  ],
  "secret-in-template": [
    {
      wrong: `provider "cloud" {\n  api_key = "0123456789abcdef"\n}`,
      line: 2,
      right: `provider "cloud" {\n  api_key = var.api_key\n}`,
    },
    {
      wrong: `locals {\n  key = <<EOT\n-----BEGIN RSA PRIVATE KEY-----\nEOT\n}`,
      line: 2,
      right: `locals {\n  key = file("key.pub")\n}`,
    },
  ],
  "variable-not-sensitive": [
    {
      wrong: `variable "cloud_token" {\n  type = string\n}`,
      right: `variable "cloud_token" {\n  type = string\n  sensitive = true\n}\nvariable "token_lifetime" {}`,
    },
  ],
};

const cases = RULES.flatMap(({ name }) =>
  (CASES[name] ?? [{ wrong: "", right: "" }]).map((one) => [name, one] as const),
);

test.each(cases)(
  "%s is found where it is, and not in the corrected template",
  (rule, { wrong, right, line = 1 }) => {
    expect(found({ "main.tf": wrong })).toContain(`${rule}@main.tf:${line}`);
    expect(found({ "main.tf": right }).filter((each) => each.startsWith(`${rule}@`))).toEqual([]);
  },
);

test("a file that is not valid HCL is one finding, and the others are still checked", () => {
  expect(found({ "a.tf": 'resource "x" {', "b.tf": `terraform {\n  backend "s3" {}\n}` })).toEqual([
    "syntax@a.tf:1",
    "stored-state@b.tf:2",
  ]);
});

test("a comment silences the rule that it names, on its line or the next", () => {
  const ignored = `# lint:ignore variable-not-sensitive\nvariable "cloud_token" {}\nvariable "other_token" {} // lint:ignore other, variable-not-sensitive\nvariable "a_token" {} # lint:ignore secret-in-template`;
  expect(found({ "main.tf": ignored })).toEqual(["variable-not-sensitive@main.tf:4"]);
});

test("modules in folders are checked by themselves, and those that Terraform downloaded are not", () => {
  const variable = `variable "token" {}`;
  expect(found({ "mod/a.tf": variable, ".terraform/modules/x/a.tf": variable })).toEqual([
    "variable-not-sensitive@mod/a.tf:1",
  ]);
});

test.each(readdirSync(new URL("../../../templates", import.meta.url)))(
  "the starter template %s has no mistakes but unpinned providers",
  async (name) => {
    const { bytes } = await packFolder(new URL(`../../../templates/${name}`, import.meta.url).pathname);
    const findings = lintTemplate(await readArchive(bytes, TAR_MIMETYPE));
    expect(findings.filter(({ rule }) => rule !== "unpinned-provider")).toEqual([]);
  },
);
