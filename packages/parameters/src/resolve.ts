import type { Matches } from "./rules.js";
import { isFixed, type ParameterRules, valueFault } from "./value.js";

/** A parameter as a template version declares it (coder_parameter). */
export type ParameterDefinition = ParameterRules & {
  readonly name: string;
  readonly mutable: boolean;
  readonly ephemeral: boolean;
  readonly required: boolean;
  readonly defaultValue: string;
};

export type ParameterValue = { name: string; value: string };

export type ResolveRequest = {
  definitions: readonly ParameterDefinition[];
  /** A stop or delete accepts whatever values exist, so that a template change never prevents stopping a workspace. */
  starts: boolean;
  /** What the user chose for this build. */
  given: readonly ParameterValue[];
  /** The preset's values: they override the chosen ones, as in upstream. */
  preset?: Readonly<Record<string, string>> | undefined;
  /** Of the previous build; empty for the first one. */
  previous: readonly ParameterValue[];
  matches: Matches;
};

export type Violation = { name: string; fault: string };

export type Resolved = { values: ParameterValue[]; violations: Violation[] };

/** Maximum total bytes of a build's names and values. */
export const VALUES_LIMIT_BYTES = 1024 * 1024;

/**
 * The values to build with: the preset's, else the chosen ones, else the previous build's, else the defaults; and
 * the errors, one sentence per parameter.
 */
export function resolveValues(request: ResolveRequest): Resolved {
  const { definitions, starts, preset = {}, matches } = request;
  const given = new Map(request.given.map(({ name, value }) => [name, value]));
  const previous = new Map(request.previous.map(({ name, value }) => [name, value]));
  const violations: Violation[] = [];
  const values: ParameterValue[] = [];
  for (const name of given.keys()) {
    if (!definitions.some((definition) => definition.name === name))
      violations.push({ name, fault: "The template does not define this parameter." });
  }
  for (const definition of definitions) {
    const { name } = definition;
    const chosen = Object.hasOwn(preset, name) ? preset[name] : given.get(name);
    const before = previous.get(name);
    const kept = definition.ephemeral ? undefined : before;
    const value = chosen ?? kept ?? (definition.required ? undefined : definition.defaultValue);
    if (value === undefined) {
      if (starts) violations.push({ name, fault: "A value is required." });
      continue;
    }
    values.push({ name, value });
    if (chosen === undefined && !starts) continue;
    const fault =
      chosen !== undefined && chosen !== before && isFixed(definition, before, matches)
        ? "Cannot be changed after the workspace is created."
        : valueFault(definition, value, { previous: before, matches });
    if (fault) violations.push({ name, fault });
  }
  const bytes = values.reduce((sum, { name, value }) => sum + byteLength(name) + byteLength(value), 0);
  if (bytes > VALUES_LIMIT_BYTES) violations.push(...tooLarge(values, bytes));
  return { values, violations };
}

function tooLarge(values: readonly ParameterValue[], bytes: number): Violation[] {
  const [largest] = values.toSorted((a, b) => byteLength(b.value) - byteLength(a.value));
  const fault = `The parameter values of a build are limited to 1 MiB in total, but these are ${Math.ceil(bytes / 1024)} KiB. Shorten this value, which is the largest.`;
  return [{ name: largest!.name, fault }];
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
