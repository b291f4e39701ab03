import { type Command, Option } from "commander";
import type { Globals } from "./context.js";
import { isPair, listOf } from "./ui/list-option.js";

function globalOptions(): Option[] {
  return [
    new Option("--url <url>", "URL of the deployment").env("CODER_URL"),
    new Option("--token <token>", "Session token").env("CODER_SESSION_TOKEN"),
    new Option("--header <key=value>", "Additional HTTP header for every request (repeatable)")
      .env("CODER_HEADER")
      .argParser(listOf(isPair)),
    new Option(
      "--header-command <command>",
      "Command that prints additional HTTP headers, one key=value per line",
    ).env("CODER_HEADER_COMMAND"),
    new Option("--global-config <dir>", "Configuration directory").env("CODER_CONFIG_DIR"),
    new Option("--force-tty", "Behave as if attached to a terminal").env("CODER_FORCE_TTY"),
    new Option("-v, --verbose", "Enable verbose output").env("CODER_VERBOSE"),
    new Option("--no-color", "Disable colors (same as setting NO_COLOR)"),
    new Option("--no-open", "Print URLs instead of opening them").env("CODER_NO_OPEN").hideHelp(),
    new Option(
      "--use-keyring [bool]",
      "Store the session in the system's keyring at login; not together with --global-config",
    ).env("CODER_USE_KEYRING"),
    // Accepted so that existing scripts work: there are no such warnings, no telemetry, and connections are always relayed.
    new Option("--no-version-warning", "Ignored; accepted for compatibility").env("CODER_NO_VERSION_WARNING"),
    new Option("--no-feature-warning", "Ignored; accepted for compatibility").env("CODER_NO_FEATURE_WARNING"),
    new Option("--disable-direct-connections", "Ignored; accepted for compatibility").env(
      "CODER_DISABLE_DIRECT_CONNECTIONS",
    ),
    new Option("--disable-network-telemetry", "Ignored; accepted for compatibility").env(
      "CODER_DISABLE_NETWORK_TELEMETRY",
    ),
  ];
}

/** The first argument that is neither a global flag nor the value of one: the command's name, if there is any. */
export function firstOperand(args: readonly string[]): string | undefined {
  const withValue = new Set(
    globalOptions()
      .filter(({ required }) => required)
      .map(({ long }) => long),
  );
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!;
    if (arg === "--") return args[index + 1];
    if (!arg.startsWith("-")) return arg;
    if (withValue.has(arg)) index++;
  }
  return undefined;
}

/** Adds the global flags to the program and, hidden, to every subcommand, so that they may follow its name. */
export function addGlobalOptions(program: Command): void {
  for (const option of globalOptions()) program.addOption(option);
  const addBelow = (parent: Command) => {
    for (const command of parent.commands) {
      for (const option of globalOptions()) {
        const taken = command.options.some(
          ({ long, short }) => long === option.long || (option.short !== undefined && short === option.short),
        );
        if (!taken) command.addOption(option.hideHelp());
      }
      addBelow(command);
    }
  };
  addBelow(program);
}

/** The effective global flags of a command: flags after its name override flags before it. */
export function globalsOf(command: Command): Globals {
  const merged: Record<string, unknown> = {};
  const names = globalOptions().map((option) => option.attributeName());
  const chain: Command[] = [];
  for (let each: Command | null = command; each; each = each.parent) chain.unshift(each);
  for (const source of ["env", "cli"]) {
    for (const each of chain) {
      for (const name of names) {
        // Ignores a command's own option with the same name, such as `config-ssh -o`.
        if (each.getOptionValueSource(name) === source) merged[name] = each.getOptionValue(name);
      }
    }
  }
  return merged as Globals;
}
