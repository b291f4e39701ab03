import type { ArchiveEntry } from "../archive/entry.js";
import {
  foreignBackend,
  needsNoInit,
  readConfiguration,
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
