import { claimAt, claimValues, MAX_CLAIM_VALUES } from "./claims.js";

describe("claimAt", () => {
  const claims = {
    groups: ["a"],
    "https://example.com/groups": ["b"],
    realm_access: { roles: ["c"], "x.y": 1 },
  };

  it.each<[string, unknown]>([
    ["groups", ["a"]],
    ["https://example.com/groups", ["b"]],
    ["realm_access.roles", ["c"]],
    ["realm_access.missing", undefined],
    ["groups.0", undefined],
    ["missing", undefined],
    ["constructor", undefined],
    ["realm_access.__proto__", undefined],
    ["", undefined],
  ])("%s", (field, expected) => {
    expect(claimAt(claims, field)).toEqual(expected);
  });
});

describe("claimValues", () => {
  const name = "CN=devs,OU=groups";
  it.each<[string, unknown, string[]]>([
    ["a list", ["a", " b ", "a", ""], ["a", "b"]],
    ["a comma-separated text", "a, b,,a", ["a", "b"]],
    ["a text", "a b", ["a b"]],
    ["a text that is mapped as a whole", name, [name]],
    ["another text with commas", "CN=x,OU=y", ["CN=x", "OU=y"]],
    ["commas within an item of a list", ["a,b"], ["a,b"]],
    ["numbers and booleans", [1, true, null, {}], ["1", "true"]],
    ["a number", 7, ["7"]],
    ["lists within lists", [["a"], [["b"]]], ["a", "b"]],
    ["nothing", undefined, []],
    ["null", null, []],
    ["an object", { a: 1 }, []],
    ["what Postgres cannot store", ["a\0b", "\ud800", "c"], ["c"]],
    ["a very long value", ["x".repeat(1_025), "c"], ["c"]],
  ])("%s", (_, claim, expected) => {
    expect(claimValues(claim, new Set([name]))).toEqual(expected);
  });

  it("reads a bounded number of values, from a list that contains itself, too", () => {
    const list: unknown[] = Array.from({ length: 10_000 }, (_, index) => `g${index}`);
    expect(claimValues(list)).toHaveLength(MAX_CLAIM_VALUES);
    const cyclic: unknown[] = ["a"];
    cyclic.push(cyclic);
    expect(claimValues(cyclic)).toEqual(["a"]);
  });
});
