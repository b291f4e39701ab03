import type { NameValue, Preset, RichParameter } from "@fleet/sdk";

export type ParameterValues = Readonly<Record<string, string>>;

/** A control of the form, chosen by the template or by the parameter's type and options. */
export type FormType =
  | "input"
  | "textarea"
  | "radio"
  | "dropdown"
  | "checkbox"
  | "switch"
  | "slider"
  | "tag-select"
  | "multi-select";

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
]);

export function formTypeOf(parameter: RichParameter): FormType {
  const asked = parameter.form_type ?? "";
  // A slider without both ends has nowhere to slide.
  const endless = parameter.validation_min === undefined || parameter.validation_max === undefined;
  if (KNOWN.has(asked) && !(asked === "slider" && endless)) return asked as FormType;
  if (parameter.options.length > 0) return "radio";
  if (parameter.type === "bool") return "checkbox";
  return parameter.type === "list(string)" ? "tag-select" : "input";
}

/** The strings of a `list(string)` value, which travels as JSON; none where it is no list. */
export function readList(value: string): string[] {
  try {
    const list: unknown = JSON.parse(value || "[]");
    return Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
  } catch {
    return [];
  }
}

/** What the form begins with: known values, else the template's defaults. */
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

/** The values with those of a preset over them. */
export function withPreset(values: ParameterValues, preset: Preset): ParameterValues {
  return { ...values, ...Object.fromEntries(preset.Parameters.map(({ Name, Value }) => [Name, Value])) };
}

export function toNameValues(parameters: readonly RichParameter[], values: ParameterValues): NameValue[] {
  return parameters.map(({ name }) => ({ name, value: values[name] ?? "" }));
}

/**
 * Why a value will be refused, as a sentence; undefined where it is fine. The server checks again: this is only quicker.
 * `previous` is what the workspace has, for parameters that may only grow or shrink.
 */
export function validate(parameter: RichParameter, value: string, previous?: string): string | undefined {
  if (
    value === "" ||
    (parameter.type === "list(string)" && parameter.required && readList(value).length === 0)
  ) {
    return parameter.required ? "A value is needed." : undefined;
  }
  if (parameter.type === "bool" && value !== "true" && value !== "false") return "Choose true or false.";
  const isNumber = parameter.type === "number";
  if (isNumber && (value.trim() === "" || !Number.isFinite(Number(value)))) return "This is not a number.";
  const inOptions = optionsHold(parameter, value);
  if (!inOptions) return "Choose one of the options.";
  return (
    (isNumber ? validateNumber(parameter, Number(value), previous) : undefined) ??
    validatePattern(parameter, value)
  );
}

function optionsHold(parameter: RichParameter, value: string): boolean {
  if (parameter.options.length === 0) return true;
  const holds = (text: string) => parameter.options.some((option) => option.value === text);
  return formTypeOf(parameter) === "multi-select" ? readList(value).every(holds) : holds(value);
}

function validateNumber(parameter: RichParameter, value: number, previous?: string): string | undefined {
  const { validation_min: min, validation_max: max, validation_monotonic: monotonic } = parameter;
  const said = parameter.validation_error
    ?.replaceAll("{min}", String(min))
    .replaceAll("{max}", String(max))
    .replaceAll("{value}", String(value));
  if (min !== undefined && value < min) return said || `The least is ${min}.`;
  if (max !== undefined && value > max) return said || `The most is ${max}.`;
  const before = previous === undefined || previous === "" ? undefined : Number(previous);
  if (before === undefined || !Number.isFinite(before)) return undefined;
  if (monotonic === "increasing" && value < before) return `It can only grow: it is ${before}.`;
  if (monotonic === "decreasing" && value > before) return `It can only shrink: it is ${before}.`;
  return undefined;
}

function validatePattern(parameter: RichParameter, value: string): string | undefined {
  if (!parameter.validation_regex) return undefined;
  try {
    if (new RegExp(parameter.validation_regex).test(value)) return undefined;
    return parameter.validation_error || `It has to match ${parameter.validation_regex}.`;
  } catch {
    // The server's expressions know words that the browser's do not; the server decides.
    return undefined;
  }
}
