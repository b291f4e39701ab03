import type { Matches } from "@fleet/parameters";
import type { NameValue, RichParameter } from "@fleet/sdk";
import { useEffect, useMemo, useState } from "react";
import { Icon } from "../icons/icon.js";
import { InlineMarkdown } from "../markdown/markdown.js";
import { Field } from "../ui/field.js";
import { Badge } from "../ui/page.js";
import { ParameterControl } from "./control.js";
import { formTypeOf, initialValues, type ParameterValues, validate } from "./values.js";

export type ParameterForm = {
  values: ParameterValues;
  set(name: string, value: string): void;
  setAll(values: ParameterValues): void;
  /** The sentences to show: of the fields that were touched, or of all once a submission was tried. */
  errors: Readonly<Record<string, string>>;
  /** Shows every error; true where there is none. */
  check(): boolean;
};

/** The state of a form over these parameters. `known`: what the user or the workspace has already. */
export function useParameterForm(options: {
  parameters: readonly RichParameter[];
  known: readonly NameValue[];
  /** The workspace's values, for what may only grow or shrink. */
  previous?: readonly NameValue[];
}): ParameterForm {
  const { parameters, known, previous = [] } = options;
  const [changed, setChanged] = useState<ParameterValues>({});
  const [tried, setTried] = useState(false);
  const initial = useMemo(() => initialValues(parameters, known), [parameters, known]);
  const values = { ...initial, ...changed };
  const matches = usePatterns(parameters);
  const faults: Record<string, string> = {};
  for (const parameter of parameters) {
    const before = previous.find(({ name }) => name === parameter.name)?.value;
    const fault = validate(parameter, values[parameter.name] ?? "", before, matches);
    if (fault) faults[parameter.name] = fault;
  }
  const shown = Object.entries(faults).filter(([name]) => tried || name in changed);
  return {
    values,
    set: (name, value) => setChanged((before) => ({ ...before, [name]: value })),
    setAll: setChanged,
    errors: Object.fromEntries(shown),
    check() {
      setTried(true);
      return Object.keys(faults).length === 0;
    },
  };
}

/** The engine of the template's patterns, loaded for a form that has one: it is large. Until then the server checks them. */
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
  /** True for a parameter that cannot be changed any more. */
  isFixed?(parameter: RichParameter): boolean;
  /** Sentences of the server, by parameter. */
  serverErrors?: Readonly<Record<string, string>>;
}) {
  const { parameters, form, isFixed, serverErrors = {} } = props;
  return (
    <div className="flex flex-col gap-6">
      {parameters.map((parameter) => {
        const fixed = isFixed?.(parameter) ?? false;
        return (
          <Field
            key={parameter.name}
            group={GROUPS.has(formTypeOf(parameter))}
            optional={!parameter.required && parameter.default_value === "" && parameter.type === "string"}
            label={
              <span className="flex flex-wrap items-center gap-2">
                {parameter.icon && <Icon url={parameter.icon} size={16} />}
                {parameter.display_name || parameter.name}
                {!parameter.mutable && <Badge>fixed after creation</Badge>}
                {parameter.ephemeral && <Badge>for one build</Badge>}
              </span>
            }
            description={parameter.description && <InlineMarkdown text={parameter.description} />}
            error={form.errors[parameter.name] ?? serverErrors[parameter.name]}
          >
            <ParameterControl
              parameter={parameter}
              value={form.values[parameter.name] ?? ""}
              onChange={(value) => form.set(parameter.name, value)}
              disabled={fixed}
            />
          </Field>
        );
      })}
    </div>
  );
}
