import { systemClock } from "@fleet/base";
import { createEvaluator, type Evaluator } from "./evaluator.js";
import type { EvaluationInput, InputChange } from "./types.js";

let evaluator: Evaluator;
beforeAll(() => {
  evaluator = createEvaluator({ clock: systemClock });
});
afterAll(() => evaluator.close());

const change = (values: Partial<InputChange>): InputChange => ({
  address: "docker_container.main",
  module: "",
  mode: "managed",
  type: "docker_container",
  name: "main",
  provider: "registry.terraform.io/kreuzwerker/docker",
  action: "create",
  previous_address: "",
  reasons: [],
  before: "",
  after: "",
  unknown: [],
  sensitive: [],
  loses_data: false,
  ...values,
});

const input = (changes: InputChange[] = []): EvaluationInput => ({
  plan: { add: 1, change: 0, replace: 0, destroy: 0, changes, drift: [] },
  owner: {
    id: "b1b5d3a8-0000-4000-8000-000000000001",
    name: "ana",
    email: "ana@example.com",
    groups: ["Everyone", "ml"],
    roles: ["member"],
    organization_roles: ["organization-member"],
    login_type: "password",
  },
  organization: { id: "b1b5d3a8-0000-4000-8000-000000000002", name: "acme" },
  template: { id: "b1b5d3a8-0000-4000-8000-000000000003", name: "docker", version: "v1" },
  workspace: { id: "b1b5d3a8-0000-4000-8000-000000000004", name: "dev" },
  build: { transition: "start", reason: "initiator", initiator: "ana" },
  parameters: { region: "eu", "disk size": "10" },
  cost: { before: 3, after: 12 },
});

const rule = (expression: string, messageExpression = "") => ({
  expression,
  message: "Not allowed.",
  messageExpression,
});

async function judged(expression: string, changes: InputChange[] = [], messageExpression = "") {
  return (await evaluator.judge([rule(expression, messageExpression)], input(changes)))[0]!;
}

describe("a policy is checked when it is saved", () => {
  test.each([
    ["cost.after > 10", undefined],
    ["size(bytes(owner.name)) > 3", { text: "The function bytes() is not supported" }],
    ["plan.changes.exists(c, has(c.after.tags) && !('team' in c.after.tags))", undefined],
    ["'ml' in owner.groups && parameters['disk size'] == '10'", undefined],
    ["cost.total > 10", { text: 'There is no field or key "total"', line: 1, column: 6 }],
    [
      "plan.changes.exists(c,\n  c.colour == 'red')",
      { text: 'There is no field or key "colour"', line: 2, column: 5 },
    ],
    ["cost.after == '10'", { text: "No such overload: int == string", line: 1, column: 1 }],
    ["user.name == 'ana'", { text: "Unknown variable: user", line: 1, column: 1 }],
    [
      "owner.name",
      { text: "The expression is of type string, but must be of type bool", line: 1, column: 1 },
    ],
    ["plan.changes[0].after.public", { text: "The expression is of type dyn, but must be of type bool" }],
    ["cost.after >", { text: "Unexpected token: EOF", line: 1, column: 13 }],
    ["", { line: 1, column: 1 }],
    ["'abc", { text: "Unterminated string", line: 1, column: 1 }],
    [`${"(".repeat(100)}true${")".repeat(100)}`, { text: "The expression is too large" }],
    [`${"true && ".repeat(3_000)}true`, { text: "The expression is too large" }],
  ])("case %#: %.40s", async (expression, fault) => {
    const checked = await evaluator.check(rule(expression));
    if (!fault) expect(checked).toEqual({});
    else {
      expect(checked.fault).toMatchObject({ field: "expression", ...fault });
      expect(expression.split("\n")).toContain(checked.fault!.source);
    }
  });

  test("and so is the expression of its message", async () => {
    expect(await evaluator.check(rule("true", "'cost: ' + string(cost.after)"))).toEqual({});
    expect(await evaluator.check(rule("true", "cost.after"))).toMatchObject({
      fault: {
        field: "message_expression",
        text: "The expression is of type int, but must be of type string",
      },
    });
  });
});

describe("a policy is evaluated", () => {
  const lb = change({
    address: "aws_lb.main",
    type: "aws_lb",
    after: JSON.stringify({ internal: false, ports: [80, 443], weight: 0.5, tags: null, name: "x" }),
    unknown: ["arn"],
    sensitive: ["password"],
  });

  test.each([
    ["plan.changes.exists(c, c.type == 'aws_lb' && c.after.internal == false)", "violated"],
    [
      "plan.changes.exists(c, 443 in c.after.ports && c.after.ports[0] + 1 == 81 && c.after.weight < 1)",
      "violated",
    ],
    ["plan.changes.exists(c, c.after.tags == null && has(c.after.tags))", "violated"],
    ["plan.changes.all(c, c.action == 'delete')", "passed"],
    ["plan.changes.exists(c, 'arn' in c.unknown && !has(c.after.arn))", "violated"],
    ["plan.changes.exists(c, 'password' in c.sensitive && !has(c.after.password))", "violated"],
    ["plan.add == 1 && cost.after - cost.before == 9", "violated"],
    ["parameters.region.matches('^(us|eu)$') && owner.email.endsWith('@example.com')", "violated"],
    ["size(plan.changes) == 1 && build.transition == 'start' && template.version == 'v1'", "violated"],
    ["plan.changes.exists(c, has(c.after.constructor) || has(c.after.__proto__))", "passed"],
  ])("%s: %s", async (expression, outcome) => {
    expect(await evaluator.check(rule(expression))).toEqual({});
    expect(await judged(expression, [lb])).toMatchObject({ outcome });
  });

  test.each([
    ["plan.changes.exists(c, c.after.arn == 'x')", 'There is no field or key "arn".'],
    ["plan.changes.exists(c, c.after.password == 'x')", 'There is no field or key "password".'],
    ["parameters.nope == 'x'", 'There is no field or key "nope".'],
    ["plan.changes[7].type == 'x'", undefined],
    ["owner.name.matches('(')", "The pattern is invalid: error parsing regexp: missing closing ): `(`."],
    // A lookahead is not RE2's, and would be JavaScript's.
    ["owner.name.matches('(?=a)')", expect.stringContaining("The pattern is invalid")],
    ["int(owner.name) > 1", undefined],
  ])("%s cannot be evaluated", async (expression, message) => {
    const result = await judged(expression, [lb]);
    expect(result).toMatchObject({ outcome: "error", ...(message && { message }) });
    expect(result.message).toMatch(/^[A-Z].*\.$/);
  });

  test("its message can name what it found, and falls back to the fixed one", async () => {
    const named = "plan.changes.filter(c, c.type == 'aws_lb').map(c, c.address).join(', ') + '\\nis public'";
    expect(await judged("true", [lb], named)).toMatchObject({ message: "aws_lb.main is public" });
    expect(await judged("true", [], "plan.changes[0].address")).toMatchObject({ message: "Not allowed." });
  });

  test("it is known whether it depends on the plan", async () => {
    expect(await judged("cost.after > 100")).toMatchObject({ usesPlan: false });
    expect(await judged("cost.after > 100 || size(plan.changes) > 3")).toMatchObject({ usesPlan: true });
    expect(await judged("['plan'].exists(x, x == owner.name)")).toMatchObject({ usesPlan: false });
  });
});

describe("a hostile policy stops, and the others are evaluated", () => {
  const many = Array.from({ length: 300 }, (_, i) => change({ address: `a.${i}`, after: '{"a":1}' }));
  const nested =
    "plan.changes.all(a, plan.changes.all(b, plan.changes.all(c, plan.changes.all(d, a.name != 'x'))))";
  const doubled = (times: number) =>
    `${Array.from({ length: times }, (_, i) => `cel.bind(s${i + 1}, s${i} + s${i},`).join("")} size(s${times}) > 3${")".repeat(times)}`;

  test("nested comprehensions", async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 20);
    const results = await evaluator.judge(
      [rule("cost.after == 12"), rule(nested), rule("cost.after == 13")],
      input(many),
    );
    clearInterval(timer);
    expect(results.map(({ outcome }) => outcome)).toEqual(["violated", "error", "passed"]);
    expect(results[1]!.message).toBe("The evaluation took too long.");
    // Meanwhile coderd's own thread goes on.
    expect(ticks).toBeGreaterThan(20);
  });

  test("lists that grow", async () => {
    const lists =
      "plan.changes.map(a, plan.changes.map(b, plan.changes.map(c, plan.changes.map(d, [a, b, c, d])))).size() > 3";
    const results = await evaluator.judge([rule(lists), rule("cost.after == 12")], input(many));
    expect(results.map(({ outcome }) => outcome)).toEqual(["error", "violated"]);
  });

  test("strings that double", async () => {
    const expression = `cel.bind(s0, 'aaaaaaaaaaaaaaaa', ${doubled(40)})`;
    const results = await evaluator.judge([rule(expression), rule("cost.after == 12")], input());
    expect(results[0]!.outcome).toBe("error");
    expect(results[1]!.outcome).toBe("violated");
  });

  test("memory that grows at once", async () => {
    const expression = `cel.bind(s0, 'aaaaaaaaaaaaaaaa', ${doubled(24).replace(" size(s24)", " s24.split('').size()")})`;
    const results = await evaluator.judge([rule(expression), rule("cost.after == 12")], input());
    expect(results[0]!.outcome).toBe("error");
    expect(results[0]!.message).toMatch(/^The evaluation took too (much memory|long)\.$/);
    expect(results[1]!.outcome).toBe("violated");
  });

  test("patterns that backtrack elsewhere take linear time", async () => {
    const text = "a".repeat(20_000);
    const results = await evaluator.judge(
      [rule("plan.changes[0].after.x.matches('^(a+)+$|^(a|aa)+!$')")],
      input([change({ after: JSON.stringify({ x: `${text}b` }) })]),
    );
    expect(results).toMatchObject([{ outcome: "passed" }]);
  });
});
