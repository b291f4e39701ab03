import { FleetError } from "@fleet/base";
import { rulesOfWire, valueFault } from "@fleet/parameters";
import { matches } from "@fleet/parameters/re2";
import type { NameValue, Preset, RichParameter } from "@fleet/sdk";
import type { Context } from "../context.js";
import { askChoice, askText } from "../ui/prompt.js";

/** Values given before prompting. */
export type GivenParameters = {
  values: ReadonlyMap<string, string>;
  /** Override the template's defaults in prompts. */
  defaults: ReadonlyMap<string, string>;
  /** Prompt even for parameters with a value. */
  askAll: boolean;
  askEphemeral: boolean;
};

export type ParameterQuestion = {
  parameters: readonly RichParameter[];
  given: GivenParameters;
  preset?: Preset;
  /** Values of the workspace's last build, or of the copied workspace. */
  previous?: readonly NameValue[];
  /** False for the first build, in which immutable parameters can be set. */
  isUpdate: boolean;
  /** `--yes`: use all defaults without prompting. */
  yes?: boolean;
};

/**
 * Resolves a build's parameter values. As upstream, presets override flags, which override the workspace's values,
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
      if (question.given.askAll && parameter.mutable) {
        resolved.push({ name, value: await ask(context, parameter, question, previous.get(name)) });
      }
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
    const known = parameters.map((parameter) => parameter.name).join(", ") || "none";
    throw new FleetError(
      "invalid_argument",
      `"${name}" is not a parameter of the template. Valid values: ${known}.`,
    );
  }
}

async function ask(
  context: Context,
  parameter: RichParameter,
  { given, yes }: ParameterQuestion,
  current?: string,
): Promise<string> {
  const initial =
    current ??
    given.defaults.get(parameter.name) ??
    (parameter.required ? undefined : parameter.default_value);
  if (initial !== undefined && (yes || !context.interactive)) return initial;
  const message = parameter.display_name || parameter.name;
  const flag = `--parameter ${parameter.name}=<value>`;
  if (parameter.description_plaintext && context.interactive) {
    context.note(context.colors.dim(parameter.description_plaintext.trim()));
  }
  if (parameter.options.length > 0 && parameter.type !== "list(string)") {
    const choices = parameter.options.map(({ name, value, description }) => ({ name, value, description }));
    return askChoice(context, { message, flag, choices, initial });
  }
  if (parameter.type === "bool") {
    const choices = [
      { name: "yes", value: "true" },
      { name: "no", value: "false" },
    ];
    return askChoice(context, { message, flag, choices, initial });
  }
  return askText(context, {
    message,
    flag,
    initial,
    validate: (text) => problemOf(parameter, text) ?? true,
  });
}

function requireValid(parameter: RichParameter, value: string): void {
  const problem = problemOf(parameter, value);
  if (problem) throw new FleetError("invalid_argument", `Parameter "${parameter.name}": ${problem}`);
}

/** Why a value is invalid, as a sentence; checks that depend on the workspace are left to the server. */
export function problemOf(parameter: RichParameter, value: string): string | undefined {
  if (value === "" && parameter.required && parameter.type === "string" && parameter.options.length === 0)
    return "A value is required.";
  return valueFault(rulesOfWire(parameter), value, { matches });
}
