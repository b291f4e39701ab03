import { createContext, Script } from "node:vm";
import type { FieldViolation } from "@fleet/base";
import type { BuildTransition } from "../database/gen/enums.js";
import { BadParameters } from "./errors.js";

/** A parameter as a template version declares it (coder_parameter). */
export type ParameterDefinition = {
  name: string;
  displayName: string;
  type: string;
  mutable: boolean;
  ephemeral: boolean;
  required: boolean;
  defaultValue: string;
  options: readonly { name: string; value: string }[];
  validationRegex: string;
  validationError: string;
  validationMin: number | null;
  validationMax: number | null;
  validationMonotonic: string;
};

export type ParameterValue = { name: string; value: string };

export type ResolveParameters = {
  definitions: readonly ParameterDefinition[];
  transition: BuildTransition;
  /** What the user chose for this build. */
  given: readonly ParameterValue[];
  /** The preset's values: they take the place of what was not chosen. */
  preset?: Readonly<Record<string, string>> | undefined;
  /** Of the build before; empty for the first one. */
  previous: readonly ParameterValue[];
};

/** Bytes of one value. */
const VALUE_LIMIT = 8_192;
/** A template's regular expression may think about a value for so long. */
const REGEX_LIMIT_MS = 100;

/**
 * The values to build with: what was chosen, else the preset's, else those of the build before, else the defaults.
 * A stop or delete takes what there is, so that a changed template never keeps a workspace from being stopped.
 *
 * @throws BadParameters with a sentence for each parameter that is wrong.
 */
export function resolveParameters(request: ResolveParameters): ParameterValue[] {
  const { definitions, transition, preset } = request;
  const given = new Map(request.given.map(({ name, value }) => [name, value]));
  const previous = new Map(request.previous.map(({ name, value }) => [name, value]));
  const violations: FieldViolation[] = [];
  const values: ParameterValue[] = [];
  for (const name of given.keys()) {
    if (!definitions.some((definition) => definition.name === name)) {
      violations.push({ field: name, detail: `The template has no parameter "${name}".` });
    }
  }
  for (const definition of definitions) {
    const { name } = definition;
    const chosen = given.get(name) ?? (preset && Object.hasOwn(preset, name) ? preset[name] : undefined);
    const before = previous.get(name);
    const kept = definition.ephemeral ? undefined : before;
    const value = chosen ?? kept ?? (definition.required ? undefined : definition.defaultValue);
    if (value === undefined) {
      if (transition === "start")
        violations.push({ field: name, detail: `The parameter "${titleOf(definition)}" needs a value.` });
      continue;
    }
    values.push({ name, value });
    const detail =
      chosen === undefined && transition !== "start"
        ? undefined
        : violationOf(definition, value, before, chosen !== undefined);
    if (detail) violations.push({ field: name, detail });
  }
  if (violations.length > 0) throw new BadParameters(violations);
  return values;
}

/** Why the value cannot be taken; undefined when it can. */
export function violationOf(
  definition: ParameterDefinition,
  value: string,
  before: string | undefined,
  chosen: boolean,
): string | undefined {
  const title = titleOf(definition);
  if (Buffer.byteLength(value) > VALUE_LIMIT)
    return `The value of "${title}" is longer than ${VALUE_LIMIT} bytes.`;
  if (chosen && !definition.mutable && !definition.ephemeral && before !== undefined && before !== value) {
    return `The parameter "${title}" cannot be changed once the workspace exists.`;
  }
  return typeViolation(definition, value, title) ?? ruleViolation(definition, value, before, title);
}

function typeViolation(
  { type, options }: ParameterDefinition,
  value: string,
  title: string,
): string | undefined {
  const allowed = options.map((option) => option.value);
  const among = `Choose one of: ${options.map((option) => option.name || option.value).join(", ")}.`;
  switch (type) {
    case "number":
      if (!/^-?\d+$/.test(value)) return `"${title}" has to be a whole number.`;
      break;
    case "bool":
      if (value !== "true" && value !== "false") return `"${title}" has to be true or false.`;
      break;
    case "list(string)": {
      const items = parseList(value);
      if (!items) return `"${title}" has to be a list of strings, written as JSON.`;
      if (allowed.length > 0 && !items.every((item) => allowed.includes(item)))
        return `"${title}" holds an unknown option. ${among}`;
      return undefined;
    }
  }
  if (allowed.length > 0 && !allowed.includes(value))
    return `"${value}" is no option of "${title}". ${among}`;
  return undefined;
}

function ruleViolation(
  definition: ParameterDefinition,
  value: string,
  before: string | undefined,
  title: string,
): string | undefined {
  const {
    validationMin: min,
    validationMax: max,
    validationMonotonic: monotonic,
    validationRegex: regex,
  } = definition;
  if (definition.type === "number") {
    const number = Number(value);
    const explain = (sentence: string) =>
      definition.validationError
        ? definition.validationError
            .replaceAll("{min}", String(min ?? ""))
            .replaceAll("{max}", String(max ?? ""))
            .replaceAll("{value}", value)
        : sentence;
    if (min !== null && number < min) return explain(`"${title}" has to be at least ${min}.`);
    if (max !== null && number > max) return explain(`"${title}" has to be at most ${max}.`);
    const last = before === undefined || before === "" ? undefined : Number(before);
    if (last !== undefined && monotonic === "increasing" && number < last)
      return `"${title}" may only grow: it was ${last}.`;
    if (last !== undefined && monotonic === "decreasing" && number > last)
      return `"${title}" may only shrink: it was ${last}.`;
  }
  if (definition.type === "string" && regex && !matches(regex, value)) {
    return definition.validationError || `"${title}" does not match the pattern ${regex}.`;
  }
  return undefined;
}

/** Runs the template's pattern with a time limit: it is not ours, and some take forever. */
function matches(pattern: string, value: string): boolean {
  try {
    const context = createContext({ pattern, value });
    return (
      new Script("new RegExp(pattern).test(value)").runInContext(context, { timeout: REGEX_LIMIT_MS }) ===
      true
    );
  } catch {
    return false;
  }
}

function parseList(value: string): string[] | undefined {
  try {
    const items: unknown = JSON.parse(value);
    return Array.isArray(items) && items.every((item) => typeof item === "string") ? items : undefined;
  } catch {
    return undefined;
  }
}

function titleOf({ displayName, name }: ParameterDefinition): string {
  return displayName || name;
}
