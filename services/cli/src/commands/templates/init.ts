import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { FleetError } from "@fleet/base";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { askChoice } from "../../ui/prompt.js";

type Starter = { id: string; name: string; description: string };

export function templateInitCommand(context: Context): Command {
  return new Command("init")
    .description("Write a starter template into a folder, to change and push")
    .argument("[folder]", "one of the starter's name when left out")
    .option("--id <id>", "starter template; asked for when left out")
    .action(async (folder: string | undefined, options: { id?: string }) => {
      const root = startersFolder();
      const starters = await readStarters(root);
      const id = options.id ?? (await choose(context, starters));
      if (!starters.some((starter) => starter.id === id)) {
        const known = starters.map((starter) => starter.id).join(", ");
        throw new FleetError("not_found", `There is no starter template "${id}". There are: ${known}.`);
      }
      const target = resolve(folder ?? id);
      await mkdir(target, { recursive: true });
      if ((await readdir(target)).length > 0) {
        throw new FleetError("already_exists", `${target} is not empty. Name another folder.`);
      }
      await cp(join(root, id), target, { recursive: true });
      context.note(`The template is in ${target}. Push it: cd ${folder ?? id} && coder templates push`);
    });
}

/** The starters ship beside the program. The single executable that workspaces fetch is without them. */
function startersFolder(): string {
  const folder = join(dirname(process.argv[1] ?? process.execPath), "templates");
  if (existsSync(folder)) return folder;
  throw new FleetError(
    "failed_precondition",
    "This program came without the starter templates. Create a template from one in the dashboard, then: coder templates pull <name>",
  );
}

async function readStarters(root: string): Promise<Starter[]> {
  const folders = (await readdir(root, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  return Promise.all(
    folders.map(async ({ name: id }) => {
      const readme = await readFile(join(root, id, "README.md"), "utf8").catch(() => "");
      const field = (key: string) => new RegExp(`^${key}:\\s*(.+)$`, "m").exec(readme)?.[1]?.trim();
      return { id, name: field("display_name") ?? id, description: field("description") ?? "" };
    }),
  );
}

function choose(context: Context, starters: readonly Starter[]): Promise<string> {
  return askChoice(context, {
    message: "Starter template",
    flag: "--id",
    choices: starters.map(({ id, name, description }) => ({ value: id, name, description })),
  });
}
