import { VALUE_CASES } from "./cases.js";
import { matches } from "./re2.js";
import { NO_RULES, rulesFault } from "./rules.js";
import { isFixed, rulesOfWire, valueFault } from "./value.js";

test.each(VALUE_CASES)("$type: $what", ({ value, previous, fault, ...rules }) => {
  expect(valueFault(rules, value, { previous, matches })).toBe(fault);
});

test("without a pattern engine, patterns are left to the server", () => {
  const rules = rulesOfWire({ type: "string", options: [], validation_regex: "(", validation_error: "e" });
  expect(valueFault(rules, "x")).toBeUndefined();
});

test("an invalid pattern is reported, not thrown", () => {
  const rules = rulesOfWire({ type: "string", options: [], validation_regex: "a**", validation_error: "e" });
  expect(valueFault(rules, "x", { matches })).toMatch(/The pattern a\*\* is invalid/);
});

test.each([
  [{ min: 1 }, "string", /"min" only applies to numbers/],
  [{ max: 1 }, "bool", /"max" only applies to numbers/],
  [{ monotonic: "increasing" }, "list(string)", /"monotonic" only applies to numbers/],
  [{ monotonic: "up" }, "number", /must be "increasing" or "decreasing"/],
  [{ regex: "x", error: "e" }, "number", /"regex" only applies to strings/],
  [{ regex: "x" }, "string", /"regex" requires "error"/],
])("%j of a %s is rejected", (rules, type, sentence) => {
  expect(rulesFault({ ...NO_RULES, ...rules }, type)).toMatch(sentence);
});

test("an immutable value is fixed while the template offers it", () => {
  const options = [{ name: "", value: "eu" }];
  const region = { ...rulesOfWire({ type: "string", options }), mutable: false, ephemeral: false };
  expect(isFixed(region, undefined)).toBe(false);
  expect(isFixed(region, "eu")).toBe(true);
  expect(isFixed(region, "us")).toBe(false);
  expect(isFixed({ ...region, mutable: true }, "eu")).toBe(false);
});
