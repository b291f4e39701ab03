import { mkdir, readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { FleetError } from "@fleet/base";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { askChoice } from "../../ui/prompt.js";
import { readStarters, type Starter, writeStarter } from "./starters.js";

export function templateInitCommand(context: Context): Command {
  return new Command("init")
    .description("Create a starter template in a directory")
    .argument("[folder]", "Directory to create (default: the ID of the starter template)")
    .option("--id <id>", "ID of the starter template (prompted for if omitted)")
    .action(async (folder: string | undefined, options: { id?: string }) => {
      const starters = await readStarters();
      const id = options.id ?? (await choose(context, starters));
      const starter = starters.find((each) => each.id === id);
      if (!starter) {
        const known = starters.map((each) => each.id).join(", ");
        throw new FleetError("not_found", `"${id}" is not a starter template. Valid values: ${known}.`);
      }
      const target = resolve(folder ?? id);
      await mkdir(target, { recursive: true });
      if ((await readdir(target)).length > 0) {
        throw new FleetError("already_exists", `${target} is not empty. Specify another directory.`);
      }
      await writeStarter(starter, target);
      context.note(`Created ${target}. Push it with: cd ${folder ?? id} && coder templates push`);
    });
}

function choose(context: Context, starters: readonly Starter[]): Promise<string> {
  return askChoice(context, {
    message: "Starter template",
    flag: "--id",
    choices: starters.map(({ id, name, description }) => ({ value: id, name, description })),
  });
}
