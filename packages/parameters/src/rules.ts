import { type ParameterType, parseWhole } from "./types.js";

/** A whole number from a template: 64 bits from terraform, fewer if it was stored. */
export type Bound = bigint | number;

/** The `validation` block of a parameter. Omitted members are empty or null. */
export type ValidationRules = {
  readonly min: Bound | null;
  readonly max: Bound | null;
  /** `increasing`, `decreasing`, or empty. */
  readonly monotonic: string;
  /** In RE2's syntax. */
  readonly regex: string;
  /** The template's own message for an invalid value; `{min}`, `{max}` and `{value}` are replaced by numbers. */
  readonly error: string;
};

/** The pattern is not valid RE2. The message says what is wrong, and where. */
export class PatternRefused extends Error {
  override readonly name = "PatternRefused";
}

/** Whether a text matches a pattern: `matches` of `@fleet/parameters/re2`. */
export type Matches = (pattern: string, text: string) => boolean;

export const NO_RULES: ValidationRules = { min: null, max: null, monotonic: "", regex: "", error: "" };

/** Why a rule is invalid or does not fit the type; undefined if the rules are valid. */
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
 * Why the value breaks the rules; undefined if it does not.
 *
 * @param previous the workspace's value, for numbers that may only increase or decrease.
 * @param matches throws PatternRefused for an invalid pattern, which no value can satisfy; undefined if patterns
 *   cannot be checked (yet): every text passes them.
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

/** A non-numeric previous value, such as that of a parameter which had another type, imposes no limit. */
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
