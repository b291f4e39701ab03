import { NO_RULES, type ValidationRules } from "./rules.js";
import type { ParameterRules } from "./value.js";

/** A value and whether a parameter accepts it: shared by the tests of every implementation that validates values. */
export type ValueCase = ParameterRules & {
  readonly what: string;
  readonly value: string;
  readonly previous?: string;
  /** The error message, or undefined if the value is valid. */
  readonly fault: string | undefined;
};

const OPTIONS = [
  { name: "Small", value: "s" },
  { name: "Large", value: "l" },
];

function of(
  type: ParameterRules["type"],
  rules: Partial<ValidationRules> & { formType?: string; options?: ParameterRules["options"] } = {},
) {
  const { formType = "", options = [], ...validation } = rules;
  return (what: string, value: string, fault?: string, previous?: string): ValueCase => ({
    type,
    formType,
    options,
    validation: { ...NO_RULES, ...validation },
    what,
    value,
    fault,
    ...(previous === undefined ? {} : { previous }),
  });
}

const number = of("number");
const bounded = of("number", { min: -1, max: 9 });
const told = of("number", { min: 1, max: 9, error: "{value} is not in {min}..{max}" });
const growing = of("number", { monotonic: "increasing" });
const shrinking = of("number", { monotonic: "decreasing" });
const bool = of("bool");
const list = of("list(string)");
const choice = of("string", { options: OPTIONS });
const several = of("list(string)", { options: OPTIONS, formType: "multi-select" });
const pattern = (regex: string) => of("string", { regex, error: "Wrong." });

export const VALUE_CASES: readonly ValueCase[] = [
  of("string")("any text", "ä\n😀"),
  of("string")("a long text", "x".repeat(9_000)),

  number("a number", "12"),
  number("a fraction, where there are no bounds", "1.5"),
  number("a word", "many", "Must be a number."),
  bounded("the minimum", "-1"),
  bounded("the maximum", "9"),
  bounded("less than the minimum", "-2", "Must be at least -1."),
  bounded("more than the maximum", "10", "Must be at most 9."),
  bounded("a fraction, where there are bounds", "1.5", "Must be a whole number."),
  of("number", { max: 0 })("more than a maximum of 0", "1", "Must be at most 0."),
  told("the template's own sentence", "12", "12 is not in 1..9"),
  growing("a number that stays", "5", undefined, "5"),
  growing("a number that grows", "6", undefined, "5"),
  growing("a number that may only grow", "4", "Can only be increased: the current value is 5.", "5"),
  growing("a first number", "4"),
  growing("a number after a word", "4", undefined, "many"),
  shrinking("a number that may only shrink", "6", "Can only be decreased: the current value is 5.", "5"),

  bool("true", "true"),
  bool("false", "false"),
  bool("a word", "yes", "Must be true or false."),

  list("a list", '["a", "b"]'),
  list("an empty list", "[]"),
  list("words", "a,b", 'Must be a JSON array of strings, like ["a", "b"].'),
  list("a list of numbers", "[1]", 'Must be a JSON array of strings, like ["a", "b"].'),

  choice("an option", "l"),
  choice("no option", "m", "Must be one of: Small, Large."),
  choice("an option's name", "Large", "Must be one of: Small, Large."),
  several("some of the options", '["s"]'),
  several("an item that is not offered", '["s", "m"]', "Choose from: Small, Large."),

  pattern("^[a-z]+$")("what matches", "abc"),
  pattern("^[a-z]+$")("what does not match", "Abc", "Wrong."),
  pattern("(?i)^[a-z]+$")("a flag", "Abc"),
  pattern("^a(?i)b$")("a flag in the middle", "AB", "Wrong."),
  pattern("\\Aabc\\z")("Perl's ends of the text", "abc"),
  pattern("\\Aabc\\z")("a newline before Perl's end", "abc\n", "Wrong."),
  pattern("^[[:alpha:]]+$")("a POSIX class", "abc"),
  pattern("^[[:alpha:]]+$")("a digit and a POSIX class", "a1", "Wrong."),
  pattern("^\\pL+$")("a Unicode class", "äö"),
  pattern("^\\Qa.b\\E$")("quoted text", "axb", "Wrong."),
  pattern("(?P<year>\\d{4})")("a named group, somewhere in the text", "in 2024"),
  pattern("^(a+)+$")("what would take a backtracking engine for ever", `${"a".repeat(5_000)}!`, "Wrong."),
];
