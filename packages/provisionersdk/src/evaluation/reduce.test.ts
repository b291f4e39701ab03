import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Reduction, reduceConfiguration } from "./reduce.js";

async function reduce(files: Record<string, string> | string): Promise<Reduction> {
  const folder = await mkdtemp(join(tmpdir(), "reduce-"));
  try {
    for (const [path, text] of Object.entries(typeof files === "string" ? { "main.tf": files } : files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    return await reduceConfiguration(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const parameter = (name: string, rest = `default = "x"`) => `data "coder_parameter" "${name}" {
  name = "${name}"
  ${rest}
}
`;
const preset = (parameters: string) => `data "coder_workspace_preset" "p" {
  name = "P"
  parameters = { ${parameters} }
}
`;

test.each<[string, string, boolean]>([
  ["literals", parameter("a"), false],
  [
    "locals and variables",
    `variable "v" {}\nlocals {\n  l = "\${var.v}"\n}\n${parameter("a", "default = local.l")}`,
    false,
  ],
  ["another parameter", parameter("a") + parameter("b", "default = data.coder_parameter.a.value"), true],
  [
    "another parameter, in a string in a string",
    parameter("a") + parameter("b", `default = "\${join("-", ["\${data.coder_parameter.a.value}"])}"`),
    true,
  ],
  ["an escaped interpolation", parameter("a", `default = "$\${data.coder_parameter.a.value}"`), false],
  [
    "a heredoc",
    parameter("a") + parameter("b", `default = <<-EOT\n  \${data.coder_parameter.a.value}\n  EOT`),
    true,
  ],
  ["only its name", parameter("a") + preset(`(data.coder_parameter.a.name) = "y"`), false],
  ["a preset of values", parameter("a") + preset(`b = data.coder_parameter.a.value`), true],
  [
    "whether the workspace runs",
    `data "coder_workspace" "me" {}\n${parameter("a", "count = data.coder_workspace.me.start_count")}`,
    false,
  ],
  [
    "the workspace's name",
    `data "coder_workspace" "me" {}\n${parameter("a", "default = data.coder_workspace.me.name")}`,
    true,
  ],
  [
    "the owner",
    `data "coder_workspace_owner" "me" {}\n${parameter("a", "count = length(data.coder_workspace_owner.me.groups)")}`,
    true,
  ],
  [
    "data from outside",
    `data "http" "x" {\n  url = "http://x"\n}\n${parameter("a", "default = data.http.x.response_body")}`,
    false,
  ],
  [
    "a resource that uses values",
    `${parameter("a")}resource "docker_image" "i" {\n  name = data.coder_parameter.a.value\n}\n`,
    false,
  ],
  [
    "tags",
    `${parameter("a")}data "coder_workspace_tags" "t" {\n  tags = { z = data.coder_parameter.a.value }\n}\n`,
    true,
  ],
])("a template can ask for other things when it depends on: %s", async (_, text, dynamic) => {
  expect((await reduce(text)).dynamic).toBe(dynamic);
});

test("a module counts for what its parameters use, not for what it is passed", async () => {
  const files = (argument: string) => ({
    "main.tf": `${parameter("a")}module "m" {\n  source = "./m"\n  ${argument} = data.coder_parameter.a.value\n}\n`,
    "m/main.tf": `variable "used" { default = "" }\nvariable "unused" { default = "" }\n${parameter("b", "default = var.used")}`,
  });
  expect((await reduce(files("used"))).dynamic).toBe(true);
  const unused = await reduce(files("unused"));
  expect(unused.dynamic).toBe(false);
  expect(unused.files.get("main.tf")).not.toContain("unused");
});

test("what is kept stays on its line, and what is removed leaves nothing but lines", async () => {
  const { files } = await reduce(`resource "docker_image" "i" {
  name = "x"
}
${parameter("a", "default = docker_image.i.id\n  depends_on = [docker_image.i]")}resource "terraform_data" "t" {
  provisioner "local-exec" { command = "true" }
}
`);
  expect(
    files
      .get("main.tf")!
      .split("\n")
      .map((line) => line.trimEnd()),
  ).toEqual([
    "",
    "",
    "",
    'data "coder_parameter" "a" {',
    '  name = "a"',
    "  default = local.coder_not_evaluated",
    "",
    "}",
    "",
    "",
    "",
    "",
  ]);
});

test("another provider's function gives something unknown", async () => {
  const { files } = await reduce(parameter("a", `default = provider::time::rfc3339_parse("x").year`));
  expect(files.get("main.tf")).toContain(`default = try(local.coder_not_evaluated, "x").year`);
});

test("a module that is not installed is unknown and named; JSON is not evaluated", async () => {
  const { missing, files } = await reduce(
    `module "far" {\n  source = "registry.coder.com/coder/x/coder"\n}\n${parameter("a", "default = module.far.x")}`,
  );
  expect(missing).toEqual(["module.far"]);
  expect(files.get("main.tf")).toContain("default = local.coder_not_evaluated\n");
  await expect(reduce({ "main.tf.json": "{}" })).rejects.toMatchObject({ code: "failed_precondition" });
});
