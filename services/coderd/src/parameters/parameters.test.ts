import { isFleetError } from "@fleet/base";
import { type ParameterDefinition, resolveParameters } from "./parameters.js";

const parameter = (changes: Partial<ParameterDefinition> & { name: string }): ParameterDefinition => ({
  displayName: "",
  type: "string",
  mutable: true,
  ephemeral: false,
  required: false,
  defaultValue: "",
  options: [],
  validationRegex: "",
  validationError: "",
  validationMin: null,
  validationMax: null,
  validationMonotonic: "",
  ...changes,
});

type Values = Record<string, string>;
const pairs = (values: Values) => Object.entries(values).map(([name, value]) => ({ name, value }));

/** The values, or the field and sentence of each violation. */
function resolve(
  definitions: ParameterDefinition[],
  given: Values,
  rest: { previous?: Values; preset?: Values; transition?: "start" | "stop" } = {},
): Values {
  try {
    const values = resolveParameters({
      definitions,
      transition: rest.transition ?? "start",
      given: pairs(given),
      preset: rest.preset,
      previous: pairs(rest.previous ?? {}),
    });
    return Object.fromEntries(values.map(({ name, value }) => [name, value]));
  } catch (error) {
    if (!isFleetError(error, "invalid_argument")) throw error;
    return Object.fromEntries(error.validations.map(({ field, detail }) => [field, detail]));
  }
}

test("a value is what was chosen, else the preset's, else the last one, else the default", () => {
  const size = parameter({ name: "size", defaultValue: "s" });
  expect(resolve([size], {})).toEqual({ size: "s" });
  expect(resolve([size], {}, { previous: { size: "m" } })).toEqual({ size: "m" });
  expect(resolve([size], {}, { previous: { size: "m" }, preset: { size: "l" } })).toEqual({ size: "l" });
  expect(resolve([size], { size: "xl" }, { previous: { size: "m" }, preset: { size: "l" } })).toEqual({
    size: "xl",
  });
});

test("an ephemeral value is not kept", () => {
  const wipe = parameter({ name: "wipe", type: "bool", ephemeral: true, defaultValue: "false" });
  expect(resolve([wipe], {}, { previous: { wipe: "true" } })).toEqual({ wipe: "false" });
});

test("a required value is asked for, but never by a stop", () => {
  const repo = parameter({ name: "repo", displayName: "Repository", required: true });
  expect(resolve([repo], {})).toEqual({ repo: 'The parameter "Repository" needs a value.' });
  expect(resolve([repo], {}, { transition: "stop" })).toEqual({});
});

test.each<[string, Partial<ParameterDefinition>, string, string | undefined, RegExp]>([
  ["an option", { options: [{ name: "Small", value: "s" }] }, "m", undefined, /no option.*Small/],
  ["a whole number", { type: "number" }, "1.5", undefined, /whole number/],
  ["true or false", { type: "bool" }, "yes", undefined, /true or false/],
  ["a JSON list", { type: "list(string)" }, "a,b", undefined, /JSON/],
  [
    "known items",
    { type: "list(string)", options: [{ name: "a", value: "a" }] },
    '["b"]',
    undefined,
    /unknown option/,
  ],
  [
    "the pattern",
    { validationRegex: "^[a-z]+$", validationError: "Small letters, please." },
    "A",
    undefined,
    /^Small letters/,
  ],
  ["a pattern that ends", { validationRegex: "^(a+)+$" }, `${"a".repeat(40)}!`, undefined, /pattern/],
  ["at least the minimum", { type: "number", validationMin: 2 }, "1", undefined, /at least 2/],
  [
    "at most the maximum",
    { type: "number", validationMax: 9, validationError: "{value} > {max}" },
    "10",
    undefined,
    /^10 > 9$/,
  ],
  ["growth", { type: "number", validationMonotonic: "increasing" }, "1", "2", /only grow/],
  ["shrinking", { type: "number", validationMonotonic: "decreasing" }, "3", "2", /only shrink/],
  ["no change", { mutable: false }, "b", "a", /cannot be changed/],
  ["a bound", {}, "x".repeat(8_193), undefined, /longer than/],
])("a value has to respect %s", (_rule, changes, value, before, sentence) => {
  const result = resolve(
    [parameter({ name: "p", ...changes })],
    { p: value },
    before === undefined ? {} : { previous: { p: before } },
  );
  expect(result.p).toMatch(sentence);
});

test("an unknown parameter is named", () => {
  expect(resolve([], { colour: "red" })).toEqual({ colour: 'The template has no parameter "colour".' });
});
