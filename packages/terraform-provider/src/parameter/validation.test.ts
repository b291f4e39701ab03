import { type ValidationRules, validationFault } from "./validation.js";

const NONE: ValidationRules = { min: null, max: null, monotonic: null, regex: null, error: null };

function numberFault(rules: Partial<ValidationRules>, value: string, previous?: string) {
  return validationFault({ ...NONE, ...rules }, "number", value, previous);
}

test("bounds include themselves", () => {
  const rules = { min: -1n, max: 3n };
  expect(numberFault(rules, "-1")).toBeUndefined();
  expect(numberFault(rules, "3")).toBeUndefined();
  expect(numberFault(rules, "-2")).toBe("The value -2 is less than the minimum -1.");
  expect(numberFault(rules, "4")).toBe("The value 4 is more than the maximum 3.");
});

test("a bound of 0 is one", () => {
  expect(numberFault({ min: 0n }, "-1")).toContain("minimum 0");
  expect(numberFault({ max: 0n }, "1")).toContain("maximum 0");
});

test("a number may stay where it is, and move one way only", () => {
  expect(numberFault({ monotonic: "increasing" }, "5", "5")).toBeUndefined();
  expect(numberFault({ monotonic: "increasing" }, "6", "5")).toBeUndefined();
  expect(numberFault({ monotonic: "increasing" }, "4", "5")).toContain("equal to or greater than");
  expect(numberFault({ monotonic: "decreasing" }, "5", "5")).toBeUndefined();
  expect(numberFault({ monotonic: "decreasing" }, "6", "5")).toContain("equal to or lower than");
});

test("without a number before, the first value is free", () => {
  expect(numberFault({ monotonic: "increasing" }, "1")).toBeUndefined();
  expect(numberFault({ monotonic: "increasing" }, "1", "many")).toBeUndefined();
});

test("the template's own words replace ours, with the numbers filled in", () => {
  const error = "{value} is not in {min}..{max}, {value}!";
  expect(numberFault({ min: 1n, max: 9n, error }, "10")).toBe("10 is not in 1..9, 10!");
  expect(numberFault({ min: 1n, max: 9n, error: "$& {value}" }, "10")).toBe("$& 10");
});

test("a regex needs words for when it does not match", () => {
  const fault = (rules: Partial<ValidationRules>, value: string) =>
    validationFault({ ...NONE, ...rules }, "string", value, undefined);
  expect(fault({ regex: "^x$", error: "Say x." }, "x")).toBeUndefined();
  expect(fault({ regex: "^x$", error: "Say x." }, "y")).toBe('Say x. (The value "y" does not match "^x$".)');
  expect(fault({ regex: "^x$" }, "x")).toContain('"error" is missing');
  expect(fault({ regex: "(", error: "e" }, "x")).toContain("cannot be used");
});

test.each([
  [{ min: 1n }, "string"],
  [{ max: 1n }, "bool"],
  [{ monotonic: "increasing" }, "list(string)"],
  [{ regex: "x", error: "e" }, "number"],
] as const)("%p is no rule for a %s", (rules, type) => {
  expect(validationFault({ ...NONE, ...rules }, type, "1", undefined)).toBeDefined();
});
