import { type Matches, rulesOfWire, valueFault } from "@fleet/parameters";
import type { NameValue, Preset, RichParameter } from "@fleet/sdk";

export type ParameterValues = Readonly<Record<string, string>>;

/** Form control, from the template or the parameter's type and options. */
export type FormType =
  | "input"
  | "textarea"
  | "radio"
  | "dropdown"
  | "checkbox"
  | "switch"
  | "slider"
  | "tag-select"
  | "multi-select"
  /** No control: the template is wrong, and says how. */
  | "error";

const KNOWN: ReadonlySet<string> = new Set<FormType>([
  "input",
  "textarea",
  "radio",
  "dropdown",
  "checkbox",
  "switch",
  "slider",
  "tag-select",
  "multi-select",
  "error",
]);

export function formTypeOf(parameter: RichParameter): FormType {
  const asked = parameter.form_type ?? "";
  // A slider requires both a minimum and a maximum.
  const endless = parameter.validation_min === undefined || parameter.validation_max === undefined;
  if (KNOWN.has(asked) && !(asked === "slider" && endless)) return asked as FormType;
  if (parameter.options.length > 0) return "radio";
  if (parameter.type === "bool") return "checkbox";
  return parameter.type === "list(string)" ? "tag-select" : "input";
}

/** Items of a `list(string)` value, which is JSON; empty if it is not a list. */
export function readList(value: string): string[] {
  try {
    const list: unknown = JSON.parse(value || "[]");
    return Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
  } catch {
    return [];
  }
}

/** Initial values of the form: known values, otherwise the template's defaults. */
export function initialValues(
  parameters: readonly RichParameter[],
  known: readonly NameValue[],
): ParameterValues {
  const given = new Map(known.map(({ name, value }) => [name, value]));
  return Object.fromEntries(
    parameters.map((parameter) => [
      parameter.name,
      (parameter.ephemeral ? undefined : given.get(parameter.name)) ?? parameter.default_value ?? "",
    ]),
  );
}

export function presetValues(preset: Preset): ParameterValues {
  return Object.fromEntries(preset.Parameters.map(({ Name, Value }) => [Name, Value]));
}

export function toNameValues(parameters: readonly RichParameter[], values: ParameterValues): NameValue[] {
  return parameters.map(({ name }) => ({ name, value: values[name] ?? "" }));
}

/**
 * Why a value is invalid, as a sentence; undefined if it is valid. The server checks again. `previous` is the
 * workspace's value, for parameters that may only increase or decrease; without `matches`, patterns are left to the
 * server.
 */
export function validate(
  parameter: RichParameter,
  value: string,
  previous?: string,
  matches?: Matches,
): string | undefined {
  if (
    value === "" ||
    (parameter.type === "list(string)" && parameter.required && readList(value).length === 0)
  ) {
    return parameter.required ? "A value is required." : undefined;
  }
  return valueFault(rulesOfWire(parameter), value, { previous, matches });
}
