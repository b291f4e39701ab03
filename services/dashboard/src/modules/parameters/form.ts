import type { Matches } from "@fleet/parameters";
import type { NameValue, Preset, RichParameter } from "@fleet/sdk";
import { useEffect, useMemo, useState } from "react";
import { initialValues, type ParameterValues, toNameValues, validate } from "./values.js";

/** A form for a template's parameters, of either flow. */
export type ParameterForm<P extends RichParameter = RichParameter> = {
  /** The parameters to show. */
  parameters: readonly P[];
  values: ParameterValues;
  set(name: string, value: string): void;
  /** Sets several values, as a preset does. */
  merge(values: ParameterValues): void;
  /** Whether the user or a preset has set the value. */
  isTouched(name: string): boolean;
  /** Errors of the values, by parameter: a check for `useForm`. */
  check(): Readonly<Record<string, string>>;
  /** Errors of touched fields, shown before the form is submitted. */
  errors: Readonly<Record<string, string>>;
  /** The values to build with. Throws errors at fields that only the server finds. */
  ready(): Promise<NameValue[]>;
};

/**
 * State of a form for these parameters (classic flow). `known`: values from the user or the workspace; `previous`: the
 * workspace's values, for parameters that may only increase or decrease.
 */
export function useParameterForm(options: {
  parameters: readonly RichParameter[];
  known: readonly NameValue[];
  previous?: readonly NameValue[];
}): ParameterForm {
  const { parameters, known, previous = [] } = options;
  const [changed, setChanged] = useState<ParameterValues>({});
  const initial = useMemo(() => initialValues(parameters, known), [parameters, known]);
  const values = { ...initial, ...changed };
  const faults = useFaults(parameters, values, previous);
  return {
    parameters,
    values,
    set: (name, value) => setChanged((before) => ({ ...before, [name]: value })),
    merge: (added) => setChanged((before) => ({ ...before, ...added })),
    isTouched: (name) => name in changed,
    check: () => faults,
    errors: Object.fromEntries(Object.entries(faults).filter(([name]) => name in changed)),
    ready: async () => toNameValues(parameters, values),
  };
}

/** What the rules of the parameters say of these values, by parameter. */
export function useFaults(
  parameters: readonly RichParameter[],
  values: ParameterValues,
  previous: readonly NameValue[],
): Record<string, string> {
  const matches = usePatterns(parameters);
  const faults: Record<string, string> = {};
  for (const parameter of parameters) {
    const before = previous.find(({ name }) => name === parameter.name)?.value;
    const fault = validate(parameter, values[parameter.name] ?? "", before, matches);
    if (fault) faults[parameter.name] = fault;
  }
  return faults;
}

/** The preset, as long as the form has its values: the server applies them whatever else is sent. */
export function presetInEffect(preset: Preset | undefined, { values }: ParameterForm): Preset | undefined {
  return preset?.Parameters.every(({ Name, Value }) => !(Name in values) || values[Name] === Value)
    ? preset
    : undefined;
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
