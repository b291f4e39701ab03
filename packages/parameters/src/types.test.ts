import { FORM_TYPES, formTypesFor, isOfType, PARAMETER_TYPES, parseWhole } from "./types.js";

test.each([
  ["number", "1.5", true],
  ["number", "+5", true],
  ["number", ".5", true],
  ["number", "5.", true],
  ["number", "1_000", true],
  ["number", "0x1p4", true],
  ["number", "NaN", true],
  ["number", "-Inf", true],
  ["number", "0x10", false],
  ["number", "1e400", false],
  ["number", " 1", false],
  ["number", "", false],
  ["number", "-", false],
  ["bool", "TRUE", true],
  ["bool", "t", true],
  ["bool", "fALSE", false],
  ["bool", "yes", false],
  ["list(string)", "[]", true],
  ["list(string)", "null", true],
  ["list(string)", "[null]", true],
  ["list(string)", "[1]", false],
  ["list(string)", "{}", false],
  ["list(string)", "", false],
  ["string", "", true],
] as const)("as a %s, %j is good: %j", (type, text, expected) => {
  expect(isOfType(type, text)).toBe(expected);
});

test("rules on integers cover 64 bits", () => {
  expect(parseWhole("9223372036854775807")).toBe(9223372036854775807n);
  expect(parseWhole("9223372036854775808")).toBeUndefined();
  expect(parseWhole("1.0")).toBeUndefined();
});

test("every form type except the one for errors fits some parameter", () => {
  const used = PARAMETER_TYPES.flatMap((type) => [...formTypesFor(type, true), ...formTypesFor(type, false)]);
  expect(new Set([...used, "error"])).toEqual(new Set(FORM_TYPES));
});
