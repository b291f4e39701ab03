import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { FleetError } from "@fleet/base";
import { Argument, Command, Option } from "commander";
import type { Context } from "../../context.js";
import { placeOf, SHELLS, type Shell, scriptFor, shellOf } from "./completion-shells.js";

type Options = { shell?: Shell; print?: boolean };

export function completionCommand(context: Context): Command {
  return new Command("completion")
    .summary("Set up completion of commands, flags and names in your shell")
    .description(
      "Set up completion in your shell: of commands, flags, and names of workspaces and templates. Writes to the shell's configuration, or with --print, prints the script.",
    )
    .addArgument(new Argument("[shell]", "Same as --shell with --print").choices([...SHELLS]))
    .addOption(
      new Option("-s, --shell <shell>", "Shell to set up (default: the one you use)")
        .choices([...SHELLS])
        .env("CODER_COMPLETION_SHELL"),
    )
    .option("-p, --print", "Print the script instead of setting it up")
    .action((named: Shell | undefined, options: Options) => completion(context, named, options));
}

async function completion(context: Context, named: Shell | undefined, options: Options): Promise<void> {
  const shell = named ?? options.shell ?? shellOf(context.io.env);
  if (!shell) {
    throw new FleetError(
      "invalid_argument",
      `Could not tell which shell you use. Pass --shell with one of: ${SHELLS.join(", ")}.`,
    );
  }
  if (named || options.print) return context.print(scriptFor(shell));
  const { file, block, reload } = placeOf(shell, context.io.env);
  await mkdir(dirname(file), { recursive: true });
  const before = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const after = withBlock(before, block);
  if (after === before) return context.note(`Completion is already set up in ${file}.`);
  await writeFile(file, after);
  context.note(`Set up completion in ${file}. To use it in this session: ${reload}`);
}

const [BEGIN, END] = ["# >>> coder completion >>>", "# <<< coder completion <<<"];

/** The file's content with this block in place of an earlier one; what else it holds is kept as it is. */
function withBlock(content: string, block: string): string {
  const fenced = `${BEGIN}\n${block}\n${END}\n`;
  const [from, to] = [content.indexOf(BEGIN), content.indexOf(END)];
  if (from >= 0 && to > from) {
    return content.slice(0, from) + fenced + content.slice(to + END.length).replace(/^\n/, "");
  }
  return content === "" || content.endsWith("\n") ? content + fenced : `${content}\n${fenced}`;
}
