import { type Command, Option } from "commander";
import { isPair, listOf, parsePairs } from "../ui/list-option.js";
import type { GivenParameters } from "./parameters.js";
import { readValuesFile } from "./values-file.js";

/** Flags for parameter values. */
export type ParameterFlags = {
  parameter?: string[];
  parameterDefault?: string[];
  richParameterFile?: string;
  ephemeralParameter?: string[];
  buildOption?: string[];
  promptEphemeralParameters?: boolean;
  buildOptions?: boolean;
  alwaysPrompt?: boolean;
  useParameterDefaults?: boolean;
  yes?: boolean;
};

const pairs = listOf(isPair);

export function withParameterFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--parameter <name=value>", "Set a parameter (repeatable)")
        .env("CODER_RICH_PARAMETER")
        .argParser(pairs),
    )
    .addOption(
      new Option("--parameter-default <name=value>", "Override the default of a parameter (repeatable)")
        .env("CODER_RICH_PARAMETER_DEFAULT")
        .argParser(pairs),
    )
    .addOption(
      new Option("--rich-parameter-file <file>", "YAML file of parameter names and values").env(
        "CODER_RICH_PARAMETER_FILE",
      ),
    )
    .addOption(
      new Option(
        "--use-parameter-defaults",
        "Use the defaults of parameters without a value instead of prompting",
      ).env("CODER_WORKSPACE_USE_PARAMETER_DEFAULTS"),
    );
}

export function withBuildParameterFlags(command: Command): Command {
  return withParameterFlags(command)
    .addOption(
      new Option(
        "--ephemeral-parameter <name=value>",
        "Set an ephemeral parameter, for this build only (repeatable)",
      )
        .env("CODER_EPHEMERAL_PARAMETER")
        .argParser(pairs),
    )
    .addOption(
      new Option("--prompt-ephemeral-parameters", "Prompt for ephemeral parameters").env(
        "CODER_PROMPT_EPHEMERAL_PARAMETERS",
      ),
    )
    .addOption(new Option("--build-option <name=value>").argParser(pairs).hideHelp())
    .addOption(new Option("--build-options").hideHelp())
    .option("--always-prompt", "Prompt for every parameter, even those with a value");
}

/** Whether parameters with a default are not prompted for. */
export function acceptsDefaults({ yes, useParameterDefaults }: ParameterFlags): boolean {
  return yes === true || useParameterDefaults === true;
}

/** Reads the flags and the file they name. */
export async function readParameterFlags(flags: ParameterFlags): Promise<GivenParameters> {
  const values = flags.richParameterFile
    ? await readValuesFile(flags.richParameterFile, "parameter file")
    : new Map();
  const typed = [flags.parameter, flags.ephemeralParameter, flags.buildOption];
  for (const texts of typed) {
    for (const [name, value] of parsePairs(texts ?? [], "parameter")) values.set(name, value);
  }
  return {
    values,
    defaults: parsePairs(flags.parameterDefault ?? [], "parameter"),
    askAll: flags.alwaysPrompt === true,
    askEphemeral: flags.promptEphemeralParameters === true || flags.buildOptions === true,
  };
}
