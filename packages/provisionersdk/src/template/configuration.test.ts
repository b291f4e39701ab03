import type { ArchiveEntry } from "../archive/entry.js";
import {
  foreignBackend,
  hasConfiguration,
  needsNoInit,
  readConfiguration,
  stateEncryption,
  usesForeignModules,
  variablesOf,
} from "./configuration.js";

function entriesOf(files: Record<string, string>): ArchiveEntry[] {
  return Object.entries(files).map(([path, text]) => ({
    path,
    type: "file",
    executable: false,
    bytes: new TextEncoder().encode(text),
  }));
}

const read = (main: string) => readConfiguration(entriesOf({ "main.tf": main }));
const CODER =
  'terraform {\n  required_providers {\n    coder = { source = "coder/coder", version = ">= 2" }\n  }\n}\n';

test("variables are read with type, default and sensitivity", () => {
  const configuration = readConfiguration(
    entriesOf({
      "variables.tf": `
variable "token" {
  type      = string
  sensitive = true
}
variable "zones" {
  description = "Where \\"it\\" runs"
  type        = list(string)
  default     = ["a", "b"]
}
variable "cpus" { default = 4 }
variable "none" {
  type    = string
  default = null
}`,
      "extra.tf.json": JSON.stringify({ variable: { debug: { type: "bool", default: false } } }),
      "modules/x/main.tf": 'variable "inner" {}',
    }),
  );
  expect(variablesOf(configuration)).toEqual([
    { name: "cpus", description: "", type: "number", defaultValue: "4", required: false, sensitive: false },
    {
      name: "debug",
      description: "",
      type: "bool",
      defaultValue: "false",
      required: false,
      sensitive: false,
    },
    { name: "none", description: "", type: "string", defaultValue: "", required: false, sensitive: false },
    { name: "token", description: "", type: "string", defaultValue: "", required: true, sensitive: true },
    {
      name: "zones",
      description: 'Where "it" runs',
      type: "list(string)",
      defaultValue: '["a","b"]',
      required: false,
      sensitive: false,
    },
  ]);
});

test.each([
  [
    "coder and built-in resources",
    `${CODER}resource "terraform_data" "x" {}\ndata "coder_workspace" "me" {}`,
    true,
  ],
  [
    "a provider alias of coder",
    `${CODER}provider "coder" {}\nresource "coder_agent" "x" { provider = coder.y }`,
    true,
  ],
  ["another provider's resource", `${CODER}resource "docker_image" "x" {}`, false],
  [
    "another required provider",
    CODER.replace("coder =", 'docker = { source = "kreuzwerker/docker" }\ncoder ='),
    false,
  ],
  ["somebody else's coder", CODER.replace("coder/coder", "evil/coder"), false],
  ["coder without a source", 'data "coder_workspace" "me" {}', false],
  ["a module", `${CODER}module "m" { source = "./m" }`, false],
  [
    "a resource whose provider is another",
    `${CODER}resource "coder_agent" "x" { provider = other.y }`,
    false,
  ],
  ["a check that reads elsewhere", `${CODER}check "c" {\n data "http" "h" {}\n}`, false],
  ["a block that is not known", `${CODER}surprise "x" {}`, false],
])("%s: init is skipped: %#", (_what, source, expected) => {
  expect(needsNoInit(read(source))).toBe(expected);
});

test("a JSON file needs init, because only its variables are read", () => {
  const configuration = readConfiguration(entriesOf({ "main.tf": CODER, "x.tf.json": "{}" }));
  expect(needsNoInit(configuration)).toBe(false);
});

test("OpenTofu reads a .tofu file in place of the .tf file of its name; Terraform reads none", () => {
  const entries = entriesOf({
    "main.tf": 'variable "terraform" {}',
    "main.tofu": 'variable "tofu" {}',
    "both.tf": 'variable "both" {}',
    "data.tf.json": '{"variable": {"terraform_json": {}}}',
    "data.tofu.json": '{"variable": {"tofu_json": {}}}',
  });
  const names = (engine: "terraform" | "opentofu") =>
    variablesOf(readConfiguration(entries, engine)).map(({ name }) => name);
  expect(names("terraform")).toEqual(["both", "terraform", "terraform_json"]);
  expect(names("opentofu")).toEqual(["both", "tofu", "tofu_json"]);
  expect(hasConfiguration(entriesOf({ "main.tofu": "" }))).toBe(false);
  expect(hasConfiguration(entriesOf({ "main.tofu": "" }), "opentofu")).toBe(true);
});

test("an override file changes a variable's attributes, whatever the order of files", () => {
  const configuration = readConfiguration(
    entriesOf({
      "a_override.tf": 'variable "zone" {\n  default = "eu"\n}',
      "main.tf": 'variable "zone" {\n  type = string\n  default = "us"\n  description = "Where"\n}',
      "override.tf": 'variable "zone" {\n  sensitive = true\n}',
    }),
  );
  expect(variablesOf(configuration)).toEqual([
    {
      name: "zone",
      description: "Where",
      type: "string",
      defaultValue: "eu",
      required: false,
      sensitive: true,
    },
  ]);
});

test("a backend and an encryption in JSON are found", () => {
  const json = (content: unknown) => readConfiguration(entriesOf({ "x.tf.json": JSON.stringify(content) }));
  expect(foreignBackend(json({ terraform: [{ backend: { s3: {} } }] }))).toBe("x.tf.json");
  expect(foreignBackend(json({ terraform: { cloud: {} } }))).toBe("x.tf.json");
  expect(foreignBackend(json({ terraform: "nonsense" }))).toBeUndefined();
  expect(stateEncryption(json({ terraform: { encryption: [{ state: {} }] } }))).toBe("x.tf.json");
  expect(stateEncryption(json({ terraform: { encryption: { plan: {} } } }))).toBeUndefined();
  expect(stateEncryption(read("terraform {\n  encryption {\n    state {}\n  }\n}"))).toBe("main.tf:2");
});

test("a remote backend is found with its position", () => {
  expect(foreignBackend(read('terraform {\n  backend "s3" {}\n}'))).toBe("main.tf:2");
  expect(foreignBackend(read(CODER))).toBeUndefined();
});

test.each([
  ["none", { "main.tf": CODER }, false],
  ["one of the archive", { "main.tf": 'module "a" { source = "./a" }', "a/main.tf": "" }, false],
  ["one of a registry", { "main.tf": 'module "a" { source = "registry.coder.com/coder/git/coder" }' }, true],
  [
    "a registry's in one of the archive",
    { "main.tf": 'module "a" { source = "./a" }', "a/x.tf": 'module "b" { source = "b/c/d" }' },
    true,
  ],
  ["one that JSON may name", { "main.tf": CODER, "a/x.tf.json": "{}" }, true],
])("remote modules: %s", (_what, files, expected) => {
  expect(usesForeignModules(entriesOf(files as unknown as Record<string, string>))).toBe(expected);
});
