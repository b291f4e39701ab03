import { DYNAMIC, literalOf } from "./literal.js";
import { attributeOf, parseHcl } from "./parse.js";

const literalIn = (expression: string) =>
  literalOf(attributeOf(parseHcl(`a = ${expression}\n`, "x.tf"), "a")!.tokens);

test.each([
  ['"plain"', "plain"],
  ['"tab\\t \\"quoted\\" \\u00e9"', 'tab\t "quoted" é'],
  [`"$\${not} %%{this}"`, `\${not} %{this}`],
  ["-12.5", -12.5],
  ["true", true],
  ["null", null],
  ['[1, "two", [3],]', [1, "two", [3]]],
  ['{ a = 1, "b c" = "d"\n e : false }', { a: 1, "b c": "d", e: false }],
  ["<<EOT\n  one\n   two\nEOT", "  one\n   two\n"],
  ["<<-EOT\n    one\n      two\n    EOT", "one\n  two\n"],
])("the literal %s is read", (expression, expected) => {
  expect(literalIn(expression)).toEqual(expected);
});

test.each([`"\${var.a}"`, "var.a", "1 + 2", 'upper("a")', "[for x in y : x]", `<<EOT\n\${a}\nEOT`])(
  "%s is left to terraform",
  (expression) => {
    expect(literalIn(expression)).toBe(DYNAMIC);
  },
);

test("blocks, labels, comments and nested expressions keep their position", () => {
  const body = parseHcl(
    `# a comment { with a brace
/* and
another } */
resource "docker_container" "main" { // here
  count = data.x.start_count
  env = [
    "A=\${join("}", [for k, v in { a = "}" } : "\${k}{"])}",
  ]
  lifecycle { ignore_changes = all }
}
locals {}
`,
    "main.tf",
  );
  expect(body.blocks.map(({ type, labels, line }) => ({ type, labels, line }))).toEqual([
    { type: "resource", labels: ["docker_container", "main"], line: 4 },
    { type: "locals", labels: [], line: 11 },
  ]);
  expect(body.blocks[0]!.body.attributes.map((attribute) => attribute.name)).toEqual(["count", "env"]);
  expect(body.blocks[0]!.body.blocks[0]!.type).toBe("lifecycle");
});

test.each([
  ['a = "open\n', "main.tf:1: a string is not closed"],
  ["b {\n  a = 1\n", "main.tf:3: a block is not closed"],
  ["\n\na = [1, 2\n", "main.tf:3: the value of a is not closed with ]"],
  ["a = (1]\n", 'main.tf:1: "]" has no matching opening bracket'],
  ["a =\n", "main.tf:1: a has no value"],
  ["resource ?\n", "main.tf:1:"],
  ["a = <<EOT\nnever\n", "main.tf:1: the heredoc is not closed with EOT"],
  ["a = 1 ; b = 2\n", 'main.tf:1: unexpected character ";"'],
])("%j is rejected with its position", (source, message) => {
  expect(() => parseHcl(source, "main.tf")).toThrow(message);
});

test("deep nesting is rejected and does not overflow the stack", () => {
  expect(() => parseHcl("b {\n".repeat(5_000), "main.tf")).toThrow("nested too deeply");
});
