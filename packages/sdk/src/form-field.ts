import type { Diagnostic, DynamicParameter, RichParameter } from "./types/templateversions.js";

/** A parameter as a form or prompt shows it: its definition, and what was evaluated for the current values. */
export type FormField = RichParameter & {
  /** The evaluated value; undefined while it is unknown or missing. */
  value: string | undefined;
  styling: DynamicParameter["styling"];
  diagnostics: readonly Diagnostic[];
};

/** Code of the diagnostic of a required parameter without a value. */
export const REQUIRED = "required";

/** The form field of an evaluated parameter. Options whose value is unknown are omitted. */
export function formFieldOf(parameter: DynamicParameter): FormField {
  const { default_value, options, validations, value, order: _order, ...rest } = parameter;
  const [rule] = validations;
  const rules = {
    validation_error: rule?.validation_error || undefined,
    validation_regex: rule?.validation_regex || undefined,
    validation_min: rule?.validation_min ?? undefined,
    validation_max: rule?.validation_max ?? undefined,
    validation_monotonic: (rule?.validation_monotonic || undefined) as RichParameter["validation_monotonic"],
  };
  return {
    ...rest,
    ...rules,
    description_plaintext: parameter.description,
    default_value: default_value.valid ? default_value.value : "",
    options: options
      .filter((option) => option.value.valid)
      .map((option) => ({ ...option, value: option.value.value })),
    value: value.valid ? value.value : undefined,
  };
}

/** The field's error as a sentence; undefined if it has none. */
export function fieldError({ diagnostics }: Pick<FormField, "diagnostics">): string | undefined {
  const error = diagnostics.find(({ severity }) => severity === "error");
  return error && sentenceOf(error);
}

/** A diagnostic as one text: its summary, and the detail if it says more. */
export function sentenceOf({ summary, detail }: Diagnostic): string {
  return detail === "" || detail === summary ? summary : `${summary}: ${detail}`;
}
