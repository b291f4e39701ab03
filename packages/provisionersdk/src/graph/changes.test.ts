import { planSummaryOf } from "./changes.js";

const summaryOf = (plan: object) => planSummaryOf(Buffer.from(JSON.stringify(plan)));

test("a summary has each change with its values, but none that is sensitive", () => {
  const summary = summaryOf({
    resource_changes: [
      {
        address: 'module.db["a"].aws_db.main[0]',
        module_address: 'module.db["a"]',
        mode: "managed",
        type: "aws_db",
        name: "main",
        provider_name: "registry.terraform.io/hashicorp/aws",
        previous_address: "aws_db.old",
        change: {
          actions: ["delete", "create"],
          before: { size: 1, password: "one", users: [{ name: "a", key: "k" }], tags: { x: "y" } },
          before_sensitive: { password: true, users: [{ key: true }], tags: true },
          after: { size: 2, password: "two", users: [{ name: "a", key: "k" }, "plain"] },
          after_sensitive: { password: true, users: [{ key: true }, true] },
          after_unknown: { arn: true, disk: [{}, { id: true }], tags: {} },
          replace_paths: [["size"], ["disk", 0, "type"]],
        },
      },
    ],
  });
  expect(summary).toMatchObject({ truncated: false });
  expect(summary.changes).toEqual([
    {
      address: 'module.db["a"].aws_db.main[0]',
      moduleAddress: 'module.db["a"]',
      mode: "managed",
      type: "aws_db",
      name: "main",
      provider: "registry.terraform.io/hashicorp/aws",
      actions: ["delete", "create"],
      replacePaths: ['["size"]', '["disk",0,"type"]'],
      before: '{"size":1,"users":[{"name":"a"}]}',
      after: '{"size":2,"users":[{"name":"a"},null]}',
      previousAddress: "aws_db.old",
      unknownPaths: ['["arn"]', '["disk",1,"id"]'],
      sensitivePaths: ['["password"]', '["users",0,"key"]', '["tags"]', '["users",1]'],
    },
  ]);
});

test("too many unknown values are told by their attributes", () => {
  const { changes, truncated } = summaryOf({
    resource_changes: [
      {
        address: "a.b",
        change: {
          actions: ["create"],
          after: {},
          after_unknown: { id: true, items: Array(201).fill({ id: true }) },
        },
      },
    ],
  });
  expect(changes).toMatchObject([{ unknownPaths: ['["id"]', '["items"]'] }]);
  expect(truncated).toBe(false);
});

test("values that are sensitive as a whole, absent or no object are left out", () => {
  const { changes } = summaryOf({
    resource_changes: [
      {
        address: "a.b",
        change: { actions: ["delete"], before: { x: 1 }, before_sensitive: true, after: null },
      },
      { address: "a.c" },
      "no object",
    ],
  });
  expect(changes).toMatchObject([
    { address: "a.b", before: "", after: "", actions: ["delete"] },
    { address: "a.c", actions: [] },
  ]);
});

test("what is larger than the limits is left out and said", () => {
  const huge = { address: "a.b", change: { actions: ["create"], after: { x: "y".repeat(5 * 1024 * 1024) } } };
  expect(summaryOf({ resource_changes: [huge] })).toMatchObject({
    truncated: true,
    changes: [{ address: "a.b", after: "" }],
  });
  const many = Array.from({ length: 5_001 }, (_, i) => ({ address: `a.b[${i}]` }));
  const summary = summaryOf({ resource_changes: many });
  expect(summary.truncated).toBe(true);
  expect(summary.changes).toHaveLength(5_000);
  expect(() => planSummaryOf(Buffer.from("[]"))).toThrow("not valid JSON");
});

test("copies of a sensitive value in other attributes are left out, and drift is named without values", () => {
  const summary = summaryOf({
    resource_changes: [
      {
        address: "a.b",
        change: {
          actions: ["update"],
          before: { input: "s3cret", output: "s3cret", list: ["s3cret", "x"], size: "1", pin: "1" },
          before_sensitive: { input: true, pin: true },
        },
      },
    ],
    resource_drift: [
      { address: "a.b", mode: "managed", type: "a", change: { actions: ["update"], before: { x: "old" } } },
      { address: "a.c", mode: "managed", type: "a", change: { actions: ["delete"] } },
      { address: "a.d", mode: "managed", type: "a", change: { actions: ["no-op"] } },
      { address: "data.a.e", mode: "data", type: "a", change: { actions: ["update"] } },
    ],
  });
  expect(summary.changes).toMatchObject([{ before: '{"list":[null,"x"],"size":"1"}' }]);
  expect(summary.drift).toEqual([
    { address: "a.b", type: "a", deleted: false },
    { address: "a.c", type: "a", deleted: true },
  ]);
});
