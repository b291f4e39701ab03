import { Argument, Command } from "commander";
import type { Context } from "../../context.js";

type Shell = "bash" | "zsh" | "fish";

export function completionCommand(context: Context): Command {
  return new Command("completion")
    .summary("Print a shell completion script")
    .description("Print a shell completion script. For bash: source <(coder completion bash)")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"]))
    .action((shell: Shell, _options, command: Command) => {
      let root = command;
      while (root.parent) root = root.parent;
      context.print(scriptFor(shell, wordsByPath(root)));
    });
}

/** For each command path, the words that may follow it: subcommands and flags. */
function wordsByPath(root: Command): Map<string, string[]> {
  const paths = new Map<string, string[]>();
  const walk = (command: Command, path: string) => {
    const commands = command.createHelp().visibleCommands(command);
    const options = command.options.filter((option) => !option.hidden);
    const flags = options.flatMap(({ long }) => (long ? [long] : []));
    paths.set(path, [...commands.map((child) => child.name()), ...flags, "--help"]);
    for (const child of commands) walk(child, path === "" ? child.name() : `${path} ${child.name()}`);
  };
  walk(root, "");
  return paths;
}

function scriptFor(shell: Shell, paths: Map<string, string[]>): string {
  if (shell === "fish") return fishScript(paths);
  const cases = [...paths].map(([path, words]) => `    "${path}") words="${words.join(" ")}" ;;`);
  const loader = shell === "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : "";
  return `${loader}_coder() {
  local words="" path="" index word
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _coder coder`;
}

function fishScript(paths: Map<string, string[]>): string {
  return [...paths]
    .map(([path, words]) => {
      const condition =
        path === ""
          ? "__fish_use_subcommand"
          : `string match -q -- "coder ${path}" (commandline -cp | string trim)`;
      return `complete -c coder -f -n '${condition}' -a '${words.join(" ")}'`;
    })
    .join("\n");
}
