import { VERSION } from "@fleet/base";
import { Command, type Option } from "commander";
import type { Context } from "../../context.js";

/** Prints the manual page, in the language of man(7): every command with its arguments, flags and variables. */
export function manCommand(context: Context): Command {
  return new Command("man")
    .summary("Print the manual page")
    .description("Print the manual page. To read it: coder man | man -l -")
    .action((_options, command: Command) => context.print(pageOf(command.parent!)));
}

function pageOf(program: Command): string {
  return [
    `.TH CODER 1 "" "Coder ${VERSION}" "Coder"`,
    ".SH NAME",
    `coder \\- ${escaped("development environments on your own infrastructure")}`,
    ".SH SYNOPSIS",
    `.B coder`,
    escaped("[options] <command> [arguments]"),
    ".SH OPTIONS",
    ...optionsOf(program),
    ".SH COMMANDS",
    ...commandsOf(program, "coder"),
    ".SH ENVIRONMENT",
    escaped("Flags that name a variable in brackets take their value from it if they are not given."),
    ".SH FILES",
    ".TP",
    ".I ~/.config/coderv2",
    "URL, session and organization of the last login.",
    ".SH EXIT STATUS",
    escaped(
      "0 on success, 1 on failure, 130 after Ctrl-C. coder ssh exits with the status of the remote command, or 255 if the connection was lost.",
    ),
  ].join("\n");
}

function commandsOf(parent: Command, path: string): string[] {
  return parent
    .createHelp()
    .visibleCommands(parent)
    .flatMap((command) => {
      const name = `${path} ${command.name()}`;
      const own = [
        `.SS ${escaped(`${name} ${command.usage()}`)}`,
        escaped(command.description()),
        ...argumentsOf(command),
        ...optionsOf(command),
      ];
      return [...own, ...commandsOf(command, name)];
    });
}

function argumentsOf(command: Command): string[] {
  return command.registeredArguments.flatMap((argument) =>
    argument.description ? [".TP", `.I ${escaped(argument.name())}`, escaped(argument.description)] : [],
  );
}

function optionsOf(command: Command): string[] {
  const help = command.createHelp();
  return help
    .visibleOptions(command)
    .filter(({ long }) => long !== "--help")
    .flatMap((option) => [".TP", `.B ${escaped(option.flags)}`, escaped(textOf(option))]);
}

function textOf({ description, envVar }: Option): string {
  return envVar ? `${description} [${envVar}]` : description;
}

/** Text in which roff finds no commands: a backslash, a hyphen, and a line that begins with a period or a quote. */
function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^(?=[.'])/gm, "\\&");
}
