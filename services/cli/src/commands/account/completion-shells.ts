import { homedir } from "node:os";
import { basename, join } from "node:path";

export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;
export type Shell = (typeof SHELLS)[number];

type Env = Readonly<Record<string, string | undefined>>;

/** The user's shell, as far as the environment tells. */
export function shellOf(env: Env): Shell | undefined {
  const name = basename(env.SHELL ?? "").replace(/\.exe$/, "");
  if (name === "pwsh" || (name === "" && env.PSModulePath)) return "powershell";
  return SHELLS.find((shell) => shell === name);
}

/** Where completion is set up: the file, what it needs there, and what makes a running shell read it. */
export type Place = { file: string; block: string; reload: string };

export function placeOf(shell: Shell, env: Env): Place {
  const home = env.HOME || env.USERPROFILE || homedir();
  const config = env.XDG_CONFIG_HOME || join(home, ".config");
  const sourced = (file: string, block: string): Place => ({ file, block, reload: `source ${file}` });
  switch (shell) {
    case "bash":
      return sourced(join(home, ".bashrc"), "command -v coder >/dev/null && source <(coder completion bash)");
    case "zsh":
      return sourced(
        join(env.ZDOTDIR || home, ".zshrc"),
        "(( $+commands[coder] )) && source <(coder completion zsh)",
      );
    case "fish":
      return sourced(
        join(config, "fish/completions/coder.fish"),
        "command -q coder; and coder completion fish | source",
      );
    case "powershell": {
      const folder =
        env.OS === "Windows_NT" ? join(home, "Documents", "PowerShell") : join(config, "powershell");
      const file = join(folder, "Microsoft.PowerShell_profile.ps1");
      const block =
        "if (Get-Command coder -ErrorAction Ignore) { coder completion powershell | Out-String | Invoke-Expression }";
      return { file, block, reload: `. '${file}'` };
    }
  }
}

/**
 * The script that a shell evaluates. Each one asks `coder __complete`, with the words up to the cursor, for the words
 * that fit.
 */
export function scriptFor(shell: Shell): string {
  return SCRIPTS[shell];
}

const SCRIPTS: Record<Shell, string> = {
  // Bash splits words at "=", and replaces only what follows it.
  bash: `_coder() {
  local IFS=$'\\n'
  COMPREPLY=($("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _coder coder`,
  zsh: `(( $+functions[compdef] )) || { autoload -U compinit && compinit }
_coder() {
  local -a found
  local line
  for line in "\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n "$line" ]] && line="\${line//:/\\\\:}" && found+=("\${line/$'\\t'/:}")
  done
  if (( \${#found} )); then _describe coder found; else _files; fi
}
compdef _coder coder`,
  fish: `function __coder_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l found ($words[1] __complete -- $words[2..] "$current" 2>/dev/null)
  if set -q found[1]
    printf '%s\\n' $found
  else
    __fish_complete_path "$current"
  end
end
complete -c coder -e
complete -c coder -f -a '(__coder_complete)'`,
  // An empty argument does not reach a program from every version of PowerShell.
  powershell: `Register-ArgumentCompleter -Native -CommandName coder -ScriptBlock {
  param($word, $ast, $cursor)
  $words = @($ast.CommandElements | Where-Object { $_.Extent.StartOffset -lt $cursor } | ForEach-Object { $_.ToString() })
  $rest = @($words | Select-Object -Skip 1)
  $next = if ($word -eq '') { @('--next') } else { @() }
  & $words[0] __complete @next -- @rest 2>$null | ForEach-Object {
    $name, $about = $_ -split "\`t", 2
    if (-not $about) { $about = $name }
    [System.Management.Automation.CompletionResult]::new($name, $name, 'ParameterValue', $about)
  }
}`,
};
