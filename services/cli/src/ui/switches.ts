import { parseBoolean } from "@fleet/base";
import type { Command, Option } from "commander";

/**
 * Lets boolean flags have a value, as in `--yes=false`, and be turned off by their variables: commander turns a flag on
 * whenever its variable is set, even to `false`.
 */
export function acceptSwitchValues(command: Command, env: Record<string, string | undefined>): void {
  const switches = command.options.filter((option) => !option.required && !option.optional);
  for (const option of switches) {
    const text = option.envVar === undefined ? undefined : env[option.envVar];
    if (text !== undefined && (text === "" || parseBoolean(text) === false)) option.envVar = undefined;
  }
  const parse = command.parseOptions.bind(command);
  command.parseOptions = (argv) => parse(withoutValues(argv, switches));
}

function withoutValues(argv: readonly string[], switches: readonly Option[]): string[] {
  const end = argv.indexOf("--");
  return argv.flatMap((arg, index) => {
    const [, name, text] = /^(--[^=]+)=(.*)$/s.exec(arg) ?? [];
    if (end >= 0 && index > end) return [arg];
    if (text === undefined || !switches.some(({ long }) => long === name)) return [arg];
    const value = parseBoolean(text);
    if (value === undefined) return [arg];
    return value ? [name!] : [];
  });
}
