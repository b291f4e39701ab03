import { type ParameterType, parseWhole } from "./types.js";

/** A whole number of a template: 64 bits from terraform, fewer where it was stored. */
export type Bound = bigint | number;

/** The `validation` block of a parameter. Empty or null where a member was left out. */
export type ValidationRules = {
  readonly min: Bound | null;
  readonly max: Bound | null;
  /** `increasing`, `decreasing`, or empty. */
  readonly monotonic: string;
  /** In RE2's syntax. */
  readonly regex: string;
  /** The template's own sentence for a value that breaks a rule; `{min}`, `{max}` and `{value}` stand for numbers. */
  readonly error: string;
};

/** The pattern is not RE2. The message says what is wrong with it, and where. */
export class PatternRefused extends Error {
  override readonly name = "PatternRefused";
}

/** Whether a text matches a pattern: `matches` of `@fleet/parameters/re2`. */
export type Matches = (pattern: string, text: string) => boolean;

export const NO_RULES: ValidationRules = { min: null, max: null, monotonic: "", regex: "", error: "" };

/** Why a rule does not fit the type, or is not one; undefined where the rules are in order. */
export function rulesFault(rules: ValidationRules, type: string): string | undefined {
  const { min, max, monotonic, regex, error } = rules;
  if (type !== "number") {
    if (min !== null) return `"min" only applies to numbers, not to a ${type}.`;
    if (max !== null) return `"max" only applies to numbers, not to a ${type}.`;
    if (monotonic) return `"monotonic" only applies to numbers, not to a ${type}.`;
  }
  if (monotonic && monotonic !== "increasing" && monotonic !== "decreasing")
    return `"monotonic" must be "increasing" or "decreasing", not "${monotonic}".`;
  if (!regex) return undefined;
  if (type !== "string") return `"regex" only applies to strings, not to a ${type}.`;
  return error ? undefined : `"regex" requires "error", the message to show for an invalid value.`;
}

/**
 * Why the value breaks the rules; undefined where it does not.
 *
 * @param previous value of the workspace, for numbers that may only grow or shrink.
 * @param matches throws PatternRefused for a pattern that is none, which no value can satisfy; undefined where patterns cannot be checked (yet): every text passes them.
 */
export function ruleFault(
  rules: ValidationRules,
  type: ParameterType,
  value: string,
  previous?: string,
  matches?: Matches,
): string | undefined {
  if (type === "number") return hasNumberRules(rules) ? numberFault(rules, value, previous) : undefined;
  const { regex, error } = rules;
  if (type !== "string" || !regex || !matches) return undefined;
  try {
    return matches(regex, value) ? undefined : error || `Must match the pattern ${regex}.`;
  } catch (refused) {
    if (refused instanceof PatternRefused) return refused.message;
    throw refused;
  }
}

function hasNumberRules({ min, max, monotonic }: ValidationRules): boolean {
  return min !== null || max !== null || monotonic !== "";
}

function numberFault(rules: ValidationRules, text: string, previous?: string): string | undefined {
  const value = parseWhole(text);
  if (value === undefined) return "Must be a whole number.";
  const fault = boundFault(rules, value) ?? monotonicFault(rules, value, previous);
  return fault && rules.error ? fillIn(rules, text) : fault;
}

function boundFault({ min, max }: ValidationRules, value: bigint): string | undefined {
  if (min !== null && value < min) return `Must be at least ${min}.`;
  if (max !== null && value > max) return `Must be at most ${max}.`;
  return undefined;
}

/** A previous value that is no number, such as one of a parameter that had another type, binds nothing. */
function monotonicFault(
  { monotonic }: ValidationRules,
  value: bigint,
  previous?: string,
): string | undefined {
  const before = previous === undefined ? undefined : parseWhole(previous);
  if (before === undefined) return undefined;
  if (monotonic === "increasing" && value < before)
    return `Can only be increased: the current value is ${before}.`;
  if (monotonic === "decreasing" && value > before)
    return `Can only be decreased: the current value is ${before}.`;
  return undefined;
}

function fillIn({ error, min, max }: ValidationRules, value: string): string {
  return error
    .replaceAll("{min}", () => String(min ?? 0))
    .replaceAll("{max}", () => String(max ?? 0))
    .replaceAll("{value}", () => value);
}
