import { type Bound, type Matches, ruleFault, type ValidationRules } from "./rules.js";
import { isOfType, type ParameterType, parseList } from "./types.js";

export type Option = { readonly name: string; readonly value: string };

/** The fields of a parameter that determine its valid values. */
export type ParameterRules = {
  readonly type: ParameterType;
  /** The form control; a `multi-select` accepts several of its options. Empty: the type's default. */
  readonly formType: string;
  readonly options: readonly Option[];
  readonly validation: ValidationRules;
};

/** The fields of a REST API parameter that determine its valid values. */
export type WireParameter = {
  readonly type: string;
  readonly form_type?: string | undefined;
  readonly options: readonly Option[];
  readonly validation_regex?: string | undefined;
  readonly validation_error?: string | undefined;
  readonly validation_min?: Bound | undefined;
  readonly validation_max?: Bound | undefined;
  readonly validation_monotonic?: string | undefined;
};

export function rulesOfWire(parameter: WireParameter): ParameterRules {
  return {
    type: parameter.type as ParameterType,
    formType: parameter.form_type ?? "",
    options: parameter.options,
    validation: {
      min: parameter.validation_min ?? null,
      max: parameter.validation_max ?? null,
      monotonic: parameter.validation_monotonic ?? "",
      regex: parameter.validation_regex ?? "",
      error: parameter.validation_error ?? "",
    },
  };
}

export type ValueOptions = {
  /** The workspace's value, for numbers that may only increase or decrease. */
  previous?: string | undefined;
  /** Omit it if patterns cannot be checked here: the server checks them anyway. */
  matches?: Matches | undefined;
};

/** Why the value is invalid, as a sentence to show beside it; undefined if it is valid. */
export function valueFault(
  rules: ParameterRules,
  value: string,
  { previous, matches }: ValueOptions = {},
): string | undefined {
  return (
    typeFault(rules.type, value) ??
    optionFault(rules, value) ??
    ruleFault(rules.validation, rules.type, value, previous, matches)
  );
}

function typeFault(type: ParameterType, value: string): string | undefined {
  if (isOfType(type, value)) return undefined;
  switch (type) {
    case "number":
      return "Must be a number.";
    case "bool":
      return "Must be true or false.";
    default:
      return 'Must be a JSON array of strings, like ["a", "b"].';
  }
}

/** Chosen values that are not among the options; none if there are no options. */
export function notOffered(
  { type, formType, options }: Pick<ParameterRules, "type" | "formType" | "options">,
  value: string,
): string[] {
  if (options.length === 0) return [];
  const offered = new Set(options.map((option) => option.value));
  const missing = (values: readonly string[]) => values.filter((item) => !offered.has(item));
  if (formType === "multi-select") return missing(parseList(value) ?? [value]);
  // Versions imported before the form control was stored: a list may be an option, or be made of options.
  if (formType === "" && type === "list(string)" && !offered.has(value))
    return missing(parseList(value) ?? [value]);
  return missing([value]);
}

function optionFault(rules: ParameterRules, value: string): string | undefined {
  if (notOffered(rules, value).length === 0) return undefined;
  const names = rules.options.map(({ name, value }) => name || value).join(", ");
  return rules.formType === "multi-select" ? `Choose from: ${names}.` : `Must be one of: ${names}.`;
}

/**
 * Whether a workspace's value is fixed: the parameter is immutable, and the value is still valid. One that became
 * invalid, because its option was removed, may be chosen again.
 */
export function isFixed(
  rules: ParameterRules & { readonly mutable: boolean; readonly ephemeral: boolean },
  previous: string | undefined,
  matches?: Matches,
): boolean {
  if (rules.mutable || rules.ephemeral || previous === undefined) return false;
  return valueFault(rules, previous, { matches }) === undefined;
}
