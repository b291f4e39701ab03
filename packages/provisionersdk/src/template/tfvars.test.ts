import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseVariables, readVariableFiles } from "./tfvars.js";

const parsed = (text: string, file = "x.tfvars") => Object.fromEntries(parseVariables(text, file));

test("strings are literal, lists and objects are expressions, and null means no value", () => {
  const text = `
    region = "eu" # where
    cores  = 4
    on     = true
    zones  = ["a", "b"]
    tags   = { team = "x", "a b" = [1, { y = null }] }
    note   = <<-EOT
      two
      lines
    EOT
    cmd    = "echo $\${HOME}"
    cmds   = ["echo $\${HOME}"]
    none   = null
  `;
  expect(parsed(text)).toEqual({
    region: "eu",
    cores: "4",
    on: "true",
    zones: '["a","b"]',
    tags: '{"team":"x","a b":[1,{"y":null}]}',
    note: "two\nlines\n",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: terraform's braces
    cmd: "echo ${HOME}",
    cmds: '["echo $${HOME}"]',
  });
  expect(parsed('{"zones": ["a"], "n": 1, "none": null}', "x.tfvars.json")).toEqual({
    zones: '["a"]',
    n: "1",
  });
});

test.each([
  ["a = var.b\n", "x.tfvars", "x.tfvars:1: the value of a is not a literal"],
  ['a "b" {}\n', "x.tfvars", "x.tfvars:1: a variables file"],
  ["[1]", "x.tfvars.json", "x.tfvars.json is not a JSON object"],
  ["{", "x.tfvars.json", "x.tfvars.json is not JSON"],
])("%j is rejected with its position", (text, file, message) => {
  expect(() => parsed(text, file)).toThrow(message);
});

test("files are read in terraform's order, and later ones win", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tfvars-"));
  const files = {
    "terraform.tfvars": 'a = "1"\nb = "1"\nc = "1"\nd = "1"',
    "terraform.tfvars.json": '{"b": "2", "c": "2", "d": "2"}',
    "a.auto.tfvars": 'c = "3"\nd = "3"',
    "b.auto.tfvars.json": '{"d": "4"}',
    "prod.tfvars": 'd = "not read"',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  expect(Object.fromEntries(await readVariableFiles(folder))).toEqual({ a: "1", b: "2", c: "3", d: "4" });
  await rm(folder, { recursive: true });
});
