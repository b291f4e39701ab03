import { readConfiguration } from "./configuration.js";
import { allows, pinWarning } from "./pin.js";

const configurationOf = (coder: string) => {
  const text = `terraform {\n  required_providers {\n    coder = ${coder}\n  }\n}\n`;
  const bytes = new TextEncoder().encode(text);
  return readConfiguration([{ path: "main.tf", type: "file", bytes, executable: false }]);
};

test.each([
  ["2.20.0", true],
  ["= 2.19.0", false],
  [">= 2.5", true],
  [">= 1.0, < 2.0", false],
  ["~> 2.5", true],
  ["~> 2.5.3", false],
  ["~> 1.0", false],
  ["~> 2", true],
  ["!= 2.20.0", false],
  ["2.20", true],
  ["= 2", false],
  ["> 2", true],
  ["<= 2.19", false],
  ["< 2.20", false],
  ["!= 2.19", true],
  ["~> 2.20.0", true],
  ["~> 3", false],
  ["v2.20.0", true],
  ["whatever", true],
])("%s allows 2.20.0: %j", (constraint, expected) => {
  expect(allows(constraint, "2.20.0")).toBe(expected);
});

test("a template that requires another provider version is warned about with its position", () => {
  const pinned = configurationOf('{ source = "coder/coder", version = "~> 1.0" }');
  expect(pinWarning(pinned, "2.20.0")).toMatch(
    /^Warning: main\.tf:2 requires coder\/coder ~> 1\.0, but the server only provides 2\.20\.0/,
  );
  const fitting = configurationOf('{ source = "coder/coder", version = ">= 2.5" }');
  expect(pinWarning(fitting, "2.20.0")).toBeUndefined();
  expect(pinWarning(configurationOf('{ source = "coder/coder" }'), "2.20.0")).toBeUndefined();
});
