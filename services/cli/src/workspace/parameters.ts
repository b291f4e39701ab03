import { FleetError } from "@fleet/base";
import type { NameValue, Preset, RichParameter } from "@fleet/sdk";
import type { Context } from "../context.js";
import { askParameter, problemOf } from "./parameter-prompt.js";

/** Values given before prompting. */
export type GivenParameters = {
  values: ReadonlyMap<string, string>;
  /** Override the template's defaults in prompts. */
  defaults: ReadonlyMap<string, string>;
  /** Prompt even for parameters with a value. */
  askAll: boolean;
  askEphemeral: boolean;
};

/** Where the values of a build come from. */
export type ValueSources = {
  given: GivenParameters;
  preset?: Preset;
  /** Values of the workspace's last build, or of the copied workspace. */
  previous?: readonly NameValue[];
  /** False for the first build, in which immutable parameters can be set. */
  isUpdate: boolean;
  /** Accept all defaults without prompting. */
  useDefaults: boolean;
};

export type ParameterQuestion = ValueSources & { parameters: readonly RichParameter[] };

/**
 * Resolves a build's parameter values if parameters are those of the import (classic flow). As upstream, presets override flags, which override the workspace's values,
 * which override defaults; missing values are prompted for, or an error if prompts are impossible.
 */
export async function resolveParameters(context: Context, question: ParameterQuestion): Promise<NameValue[]> {
  requireKnown(question);
  const preset = new Map(question.preset?.Parameters.map(({ Name, Value }) => [Name, Value]));
  const previous = new Map(question.previous?.map(({ name, value }) => [name, value]));
  const resolved: NameValue[] = [];
  for (const parameter of question.parameters) {
    const { name } = parameter;
    const given = preset.get(name) ?? question.given.values.get(name);
    if (given !== undefined) {
      requireValid(parameter, given);
      resolved.push({ name, value: given });
    } else if (parameter.ephemeral) {
      if (question.given.askEphemeral)
        resolved.push({ name, value: await ask(context, parameter, question) });
    } else if (question.isUpdate && (previous.has(name) || !isAsked(parameter, question))) {
      const value = question.given.defaults.get(name);
      if (question.given.askAll && parameter.mutable) {
        resolved.push({ name, value: await ask(context, parameter, question, previous.get(name)) });
      } else if (!previous.has(name) && value !== undefined) resolved.push({ name, value });
    } else if (previous.has(name) && !question.given.askAll) {
      resolved.push({ name, value: previous.get(name)! });
    } else {
      resolved.push({ name, value: await ask(context, parameter, question, previous.get(name)) });
    }
  }
  return resolved;
}

/** In an update, only required parameters without a value need an answer. */
function isAsked(parameter: RichParameter, question: ParameterQuestion): boolean {
  return parameter.required && !question.given.defaults.has(parameter.name);
}

function requireKnown({ parameters, given }: ParameterQuestion): void {
  for (const name of given.values.keys()) {
    if (parameters.some((parameter) => parameter.name === name)) continue;
    throw unknownParameter(name, parameters);
  }
}

export function unknownParameter(name: string, known: readonly { name: string }[]): FleetError {
  const names = known.map((parameter) => parameter.name).join(", ") || "none";
  return new FleetError(
    "invalid_argument",
    `"${name}" is not a parameter of the template. Valid values: ${names}.`,
  );
}

/** The initial value if nobody can or has to be asked, otherwise the answer. */
async function ask(
  context: Context,
  parameter: RichParameter,
  { given, useDefaults }: ParameterQuestion,
  current?: string,
): Promise<string> {
  const initial =
    current ??
    given.defaults.get(parameter.name) ??
    (parameter.required ? undefined : parameter.default_value);
  if (initial !== undefined && (useDefaults || !context.interactive)) return initial;
  return askParameter(context, parameter, initial);
}

function requireValid(parameter: RichParameter, value: string): void {
  const problem = problemOf(parameter, value);
  if (problem) throw new FleetError("invalid_argument", `Parameter "${parameter.name}": ${problem}`);
}
