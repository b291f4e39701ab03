import { rulesOfWire, valueFault } from "@fleet/parameters";
import { matches } from "@fleet/parameters/re2";
import type { NameValue, Preset, RichParameter } from "@fleet/sdk";

/** A workspace to plan: what it is called in the output, and the values that differ from the defaults. */
export type Case = { name: string; values: NameValue[] };

/** Options of one parameter that are tried; a list of hundreds is not worth hundreds of plans. */
const MAX_OPTIONS = 20;

/**
 * The cases of a version: the defaults, each preset, and each edge of each parameter with the others at their
 * defaults. `given` overrides the defaults. A parameter that has neither gets its first valid edge.
 * @returns the cases, and the parameters for which no value could be chosen: those must be given.
 */
export function casesOf(
  parameters: readonly RichParameter[],
  presets: readonly Preset[],
  given: ReadonlyMap<string, string>,
): { cases: Case[]; undecided: string[] } {
  const base = new Map<string, string>();
  const undecided: string[] = [];
  for (const parameter of parameters) {
    const value = given.get(parameter.name) ?? (parameter.required ? edgesOf(parameter)[0] : undefined);
    if (value !== undefined) base.set(parameter.name, value);
    else if (parameter.required) undecided.push(parameter.name);
  }
  const withValues = (values: Iterable<readonly [string, string]>): NameValue[] =>
    [...new Map([...base, ...values])].map(([name, value]) => ({ name, value }));

  const cases: Case[] = [{ name: "defaults", values: withValues([]) }];
  for (const preset of presets) {
    const values = preset.Parameters.map(({ Name, Value }) => [Name, Value] as const);
    cases.push({ name: `preset ${preset.Name}`, values: withValues(values) });
  }
  for (const parameter of parameters) {
    const usual = base.get(parameter.name) ?? parameter.default_value;
    for (const edge of edgesOf(parameter)) {
      if (edge === usual) continue;
      cases.push({ name: `${parameter.name}=${edge}`, values: withValues([[parameter.name, edge]]) });
    }
  }
  return { cases, undecided };
}

/** The values at the limits of what a parameter accepts. */
function edgesOf(parameter: RichParameter): string[] {
  const rules = rulesOfWire(parameter);
  const valid = (value: string) => valueFault(rules, value, { matches }) === undefined;
  return [...new Set(candidates(parameter))].filter(valid);
}

function candidates({ type, form_type, options, validation_min, validation_max }: RichParameter): string[] {
  const offered = options.slice(0, MAX_OPTIONS).map(({ value }) => value);
  if (form_type === "multi-select") return ["[]", JSON.stringify(offered)];
  if (offered.length > 0) return offered;
  switch (type) {
    case "bool":
      return ["true", "false"];
    case "number":
      return [validation_min, validation_max].flatMap((bound) => (bound == null ? [] : [String(bound)]));
    case "list(string)":
      return ["[]"];
    default:
      return [];
  }
}
