import { VERSION } from "@fleet/base";
import { Command } from "commander";
import { VERSION_TEXT } from "./commands/account/version.js";
import { addUnsupported } from "./commands/unsupported.js";
import { COMMAND_GROUPS, HIDDEN_COMMANDS, type LazyCommand } from "./commands.js";
import type { Context } from "./context.js";
import { addGlobalOptions, firstOperand, globalsOf } from "./globals.js";
import { acceptSwitchValues } from "./ui/switches.js";

/**
 * The command line, with as many of its commands as these arguments need: one if they name it, all for help and for a
 * name that does not exist.
 */
export async function createProgram(context: Context, args: readonly string[] = []): Promise<Command> {
  const program = new Command("coder")
    .description(`Coder ${VERSION}: development environments on your own infrastructure`)
    .version(VERSION_TEXT, "--version", "Print the version and exit")
    .enablePositionalOptions()
    .showHelpAfterError("(see --help)");

  const isNeeded = neededFor(args);
  for (const { heading, commands } of COMMAND_GROUPS) {
    program.commandsGroup(heading);
    for (const command of await loaded(commands.filter(isNeeded), context)) program.addCommand(command);
  }
  for (const command of await loaded(HIDDEN_COMMANDS.filter(isNeeded), context))
    program.addCommand(command, { hidden: true });
  addUnsupported(program);

  addGlobalOptions(program);
  configure(program, context);
  program.hook("preAction", (_program, command) => context.configure(globalsOf(command)));
  return program;
}

/** Whether a command is needed to parse the arguments. */
function neededFor(args: readonly string[]): (command: LazyCommand) => boolean {
  const name = firstOperand(args);
  if (name === undefined) return () => !args.includes("--version");
  const all = [...COMMAND_GROUPS.flatMap(({ commands }) => commands), ...HIDDEN_COMMANDS];
  const named = all.find(({ names }) => names.includes(name));
  if (!named || named.describes === "all") return () => true;
  const isDescribed =
    named.describes === "line" ? neededFor(args.slice(args.indexOf("--") + 1)) : () => false;
  return (command) => command === named || isDescribed(command);
}

function loaded(commands: readonly LazyCommand[], context: Context): Promise<Command[]> {
  return Promise.all(commands.map((command) => command.load(context)));
}

/** Redirects output to the context's streams, and keeps commander from exiting the process. */
function configure(command: Command, context: Context): void {
  // If a group has its own flags (`stat -o json`), flags after a subcommand's name belong to it: `stat cpu -o json`.
  command
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.io.stdout.write(text),
      writeErr: (text) => void context.io.stderr.write(text),
      getOutHelpWidth: () => context.io.stdout.columns || 100,
      getErrHelpWidth: () => context.io.stderr.columns || 100,
      getOutHasColors: () => context.colors.isColorSupported,
      getErrHasColors: () => context.colors.isColorSupported,
    });
  command.helpCommand(false).helpOption("-h, --help", "Print help and exit");
  acceptSwitchValues(command, context.io.env);
  for (const child of command.commands) configure(child, context);
}
