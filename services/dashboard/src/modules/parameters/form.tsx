import type { Matches } from "@fleet/parameters";
import type { NameValue, RichParameter } from "@fleet/sdk";
import { useContext, useEffect, useMemo, useState } from "react";
import { Icon } from "../icons/icon.js";
import { InlineMarkdown } from "../markdown/markdown.js";
import { Field } from "../ui/field.js";
import { FormContext } from "../ui/form-context.js";
import { Badge } from "../ui/page.js";
import { ParameterControl } from "./control.js";
import { formTypeOf, initialValues, type ParameterValues, validate } from "./values.js";

export type ParameterForm = {
  values: ParameterValues;
  set(name: string, value: string): void;
  setAll(values: ParameterValues): void;
  /** Errors of the values, by parameter: a check for `useForm`. */
  check(): Readonly<Record<string, string>>;
  /** Errors of touched fields, shown before the form is submitted. */
  errors: Readonly<Record<string, string>>;
};

/** State of a form for these parameters. `known`: values from the user or the workspace. */
export function useParameterForm(options: {
  parameters: readonly RichParameter[];
  known: readonly NameValue[];
  /** The workspace's values, for parameters that may only increase or decrease. */
  previous?: readonly NameValue[];
}): ParameterForm {
  const { parameters, known, previous = [] } = options;
  const [changed, setChanged] = useState<ParameterValues>({});
  const initial = useMemo(() => initialValues(parameters, known), [parameters, known]);
  const values = { ...initial, ...changed };
  const matches = usePatterns(parameters);
  const faults: Record<string, string> = {};
  for (const parameter of parameters) {
    const before = previous.find(({ name }) => name === parameter.name)?.value;
    const fault = validate(parameter, values[parameter.name] ?? "", before, matches);
    if (fault) faults[parameter.name] = fault;
  }
  return {
    values,
    set: (name, value) => setChanged((before) => ({ ...before, [name]: value })),
    setAll: setChanged,
    check: () => faults,
    errors: Object.fromEntries(Object.entries(faults).filter(([name]) => name in changed)),
  };
}

/**
 * The regex engine for the template's patterns, loaded on demand because it is large. Until then the server checks
 * them.
 */
function usePatterns(parameters: readonly RichParameter[]): Matches | undefined {
  const [matches, setMatches] = useState<Matches>();
  const wanted = parameters.some((parameter) => parameter.validation_regex);
  useEffect(() => {
    if (!wanted) return;
    import("@fleet/parameters/re2").then(
      (module) => setMatches(() => module.matches),
      () => {}, // The server has the last word.
    );
  }, [wanted]);
  return matches;
}

const GROUPS = new Set(["radio", "multi-select"]);

export function ParameterFields(props: {
  parameters: readonly RichParameter[];
  form: ParameterForm;
  /** True for a parameter that can no longer be changed. */
  isFixed?(parameter: RichParameter): boolean;
}) {
  const { parameters, form, isFixed } = props;
  const sent = useContext(FormContext);
  return (
    <div className="flex flex-col gap-6">
      {parameters.map((parameter) => {
        const fixed = isFixed?.(parameter) ?? false;
        return (
          <Field
            key={parameter.name}
            name={parameter.name}
            group={GROUPS.has(formTypeOf(parameter))}
            optional={!parameter.required && parameter.default_value === "" && parameter.type === "string"}
            label={
              <span className="flex flex-wrap items-center gap-2">
                {parameter.icon && <Icon url={parameter.icon} size={16} />}
                {parameter.display_name || parameter.name}
                {!parameter.mutable && <Badge>immutable</Badge>}
                {parameter.ephemeral && <Badge>this build only</Badge>}
              </span>
            }
            description={parameter.description && <InlineMarkdown text={parameter.description} />}
            error={form.errors[parameter.name]}
          >
            <ParameterControl
              parameter={parameter}
              value={form.values[parameter.name] ?? ""}
              onChange={(value) => {
                form.set(parameter.name, value);
                sent?.changed(parameter.name);
              }}
              disabled={fixed}
            />
          </Field>
        );
      })}
    </div>
  );
}
