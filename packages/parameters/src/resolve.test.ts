import { matches } from "./re2.js";
import { type ParameterDefinition, resolveValues } from "./resolve.js";
import { NO_RULES } from "./rules.js";

const parameter = (changes: Partial<ParameterDefinition> & { name: string }): ParameterDefinition => ({
  type: "string",
  formType: "",
  mutable: true,
  ephemeral: false,
  required: false,
  defaultValue: "",
  options: [],
  validation: NO_RULES,
  ...changes,
});

type Values = Record<string, string>;
const pairs = (values: Values) => Object.entries(values).map(([name, value]) => ({ name, value }));

/** The values, or the error of each parameter that has one. */
function resolve(
  definitions: ParameterDefinition[],
  given: Values,
  rest: { previous?: Values; preset?: Values; starts?: boolean } = {},
): Values {
  const { values, violations } = resolveValues({
    definitions,
    starts: rest.starts ?? true,
    given: pairs(given),
    preset: rest.preset,
    previous: pairs(rest.previous ?? {}),
    matches,
  });
  if (violations.length > 0) return Object.fromEntries(violations.map(({ name, fault }) => [name, fault]));
  return Object.fromEntries(values.map(({ name, value }) => [name, value]));
}

test("a value is the preset's, else the given one, else the last one, else the default", () => {
  const size = parameter({ name: "size", defaultValue: "s" });
  expect(resolve([size], {})).toEqual({ size: "s" });
  expect(resolve([size], {}, { previous: { size: "m" } })).toEqual({ size: "m" });
  expect(resolve([size], { size: "xl" }, { previous: { size: "m" } })).toEqual({ size: "xl" });
  const all = { previous: { size: "m" }, preset: { size: "l" } };
  expect(resolve([size], { size: "xl" }, all)).toEqual({ size: "l" });
});

test("an ephemeral value is not kept", () => {
  const wipe = parameter({ name: "wipe", type: "bool", ephemeral: true, defaultValue: "false" });
  expect(resolve([wipe], {}, { previous: { wipe: "true" } })).toEqual({ wipe: "false" });
});

test("a required value is demanded, but never by a stop", () => {
  const repo = parameter({ name: "repo", required: true });
  expect(resolve([repo], {})).toEqual({ repo: "A value is required." });
  expect(resolve([repo], {}, { starts: false })).toEqual({});
});

test("a value that the template no longer accepts fails a start but not a stop", () => {
  const size = parameter({ name: "size", options: [{ name: "", value: "s" }] });
  const previous = { size: "xxl" };
  expect(resolve([size], {}, { previous })).toEqual({ size: "Must be one of: s." });
  expect(resolve([size], {}, { previous, starts: false })).toEqual(previous);
});

test("an immutable value is kept unless the template no longer offers it", () => {
  const options = ["eu", "us"].map((value) => ({ name: "", value }));
  const region = parameter({ name: "region", mutable: false, options });
  const fixed = { region: "Cannot be changed after the workspace is created." };
  expect(resolve([region], { region: "us" }, { previous: { region: "eu" } })).toEqual(fixed);
  expect(resolve([region], { region: "eu" }, { previous: { region: "eu" } })).toEqual({ region: "eu" });
  expect(resolve([region], { region: "us" }, { previous: { region: "gone" } })).toEqual({ region: "us" });
  expect(resolve([region], {}, { previous: { region: "gone" } })).toEqual({
    region: "Must be one of: eu, us.",
  });
});

test("an unknown parameter is named in the error", () => {
  expect(resolve([], { colour: "red" })).toEqual({ colour: "The template does not define this parameter." });
});

test("all values of a build together are limited to 1 MiB", () => {
  const [small, large] = [parameter({ name: "small" }), parameter({ name: "large" })];
  const values = { small: "x", large: "x".repeat(1024 * 1024 - 20) };
  expect(resolve([small, large], values)).toEqual(values);
  expect(resolve([small, large], { ...values, small: "x".repeat(30) })).toEqual({
    large: expect.stringContaining("1 MiB"),
  });
});
