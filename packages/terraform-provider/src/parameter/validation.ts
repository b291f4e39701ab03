import { matches, RegexRefused } from "../rules/regex.js";
import { type ParameterType, parseWhole } from "./types.js";

/** The `validation` block of a parameter, as configured: null where a member was left out. */
export type ValidationRules = {
  readonly min: bigint | null;
  readonly max: bigint | null;
  readonly monotonic: string | null;
  readonly regex: string | null;
  /** Shown instead of our words; `{min}`, `{max}` and `{value}` are replaced where the value is a number. */
  readonly error: string | null;
};

/** Why the value breaks the rules, or why the rules do not fit the type; undefined when all is well. */
export function validationFault(
  rules: ValidationRules,
  type: ParameterType,
  value: string,
  previous: string | undefined,
): string | undefined {
  return (
    misplacedRule(rules, type) ??
    (type === "number" ? numberFault(rules, value, previous) : textFault(rules, value))
  );
}

function misplacedRule(rules: ValidationRules, type: ParameterType): string | undefined {
  if (type !== "number") {
    if (rules.min !== null) return `"min" is for numbers: a ${type} has none.`;
    if (rules.max !== null) return `"max" is for numbers: a ${type} has none.`;
    if (rules.monotonic) return `"monotonic" is for numbers: a ${type} neither grows nor shrinks.`;
  }
  if (rules.regex && type !== "string") return `"regex" is for strings: a ${type} cannot have one.`;
  return undefined;
}

function textFault({ regex, error }: ValidationRules, value: string): string | undefined {
  if (!regex) return undefined;
  if (!error) return `"error" is missing: say beside "regex" what a value has to look like.`;
  try {
    return matches(regex, value) ? undefined : `${error} (The value "${value}" does not match "${regex}".)`;
  } catch (refused) {
    if (refused instanceof RegexRefused) return refused.message;
    throw refused;
  }
}

function numberFault(rules: ValidationRules, text: string, previous: string | undefined): string | undefined {
  const value = parseWhole(text);
  if (value === undefined) return `The value "${text}" is not a whole number.`;
  const fault = rangeFault(rules, value) ?? monotonicFault(rules, value, previous);
  return fault && rules.error ? fillIn(rules.error, rules, text) : fault;
}

function rangeFault({ min, max }: ValidationRules, value: bigint): string | undefined {
  if (min !== null && value < min) return `The value ${value} is less than the minimum ${min}.`;
  if (max !== null && value > max) return `The value ${value} is more than the maximum ${max}.`;
  return undefined;
}

/** A value before that is not a number, such as one of a parameter that had another type, binds nothing. */
function monotonicFault({ monotonic }: ValidationRules, value: bigint, previous: string | undefined) {
  if (!monotonic) return undefined;
  if (monotonic !== "increasing" && monotonic !== "decreasing") {
    return `"monotonic" must be "increasing" or "decreasing", not "${monotonic}".`;
  }
  const before = previous === undefined ? undefined : parseWhole(previous);
  if (before === undefined) return undefined;
  if (monotonic === "increasing" && value < before) {
    return `The value ${value} must be equal to or greater than the previous value ${before}.`;
  }
  if (monotonic === "decreasing" && value > before) {
    return `The value ${value} must be equal to or lower than the previous value ${before}.`;
  }
  return undefined;
}

function fillIn(template: string, { min, max }: ValidationRules, value: string): string {
  return template
    .replaceAll("{min}", () => String(min ?? 0))
    .replaceAll("{max}", () => String(max ?? 0))
    .replaceAll("{value}", () => value);
}
