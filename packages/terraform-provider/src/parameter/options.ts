import { type FormType, isOfType, notOffered, type Option, type ParameterType } from "@fleet/parameters";
import { ConfigurationRefused, type Path } from "../schema/diagnostic.js";

/** Rejects options that are duplicates or do not match the parameter's type. */
export function checkOptions(options: readonly Option[], type: ParameterType, form: FormType): void {
  // A multi-select takes several options: each option is one item of the list.
  const optionType = form === "multi-select" ? "string" : type;
  const names = new Set<string>();
  const values = new Set<string>();
  for (const [index, { name, value }] of options.entries()) {
    const at = (attribute: string): Path => ["option", index, attribute];
    if (names.has(name)) {
      throw new ConfigurationRefused(
        `Option name "${name}" is used more than once. Option names must be unique.`,
        {
          path: at("name"),
        },
      );
    }
    if (values.has(value)) {
      throw new ConfigurationRefused(
        `Option value "${value}" is used more than once. Option values must be unique.`,
        {
          path: at("value"),
        },
      );
    }
    if (!isOfType(optionType, value)) {
      throw new ConfigurationRefused(`The value "${value}" of the option "${name}" is not a ${optionType}.`, {
        path: at("value"),
      });
    }
    names.add(name);
    values.add(value);
  }
}

/** Rejects a value that is not among the options. */
export function checkValueIsOption(
  options: readonly Option[],
  type: ParameterType,
  formType: FormType,
  value: string,
  path: Path,
): void {
  const missing = notOffered({ type, formType, options }, value);
  if (missing.length === 0) return;
  const list = (items: readonly string[]) => items.map((item) => `"${item}"`).join(", ");
  throw new ConfigurationRefused(
    value === ""
      ? "The parameter has no value. Choose one of its options."
      : `Not among the options: ${list(missing)}.`,
    { detail: `The options are ${list(options.map((option) => option.value))}.`, path },
  );
}
