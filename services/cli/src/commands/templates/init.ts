import { mkdir, readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { FleetError } from "@fleet/base";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { askChoice } from "../../ui/prompt.js";
import { readStarters, type Starter, writeStarter } from "./starters.js";

export function templateInitCommand(context: Context): Command {
  return new Command("init")
    .description("Write a starter template into a folder, to change and push")
    .argument("[folder]", "one of the starter's name when left out")
    .option("--id <id>", "starter template; asked for when left out")
    .action(async (folder: string | undefined, options: { id?: string }) => {
      const starters = await readStarters();
      const id = options.id ?? (await choose(context, starters));
      const starter = starters.find((each) => each.id === id);
      if (!starter) {
        const known = starters.map((each) => each.id).join(", ");
        throw new FleetError("not_found", `There is no starter template "${id}". There are: ${known}.`);
      }
      const target = resolve(folder ?? id);
      await mkdir(target, { recursive: true });
      if ((await readdir(target)).length > 0) {
        throw new FleetError("already_exists", `${target} is not empty. Name another folder.`);
      }
      await writeStarter(starter, target);
      context.note(`The template is in ${target}. Push it: cd ${folder ?? id} && coder templates push`);
    });
}

function choose(context: Context, starters: readonly Starter[]): Promise<string> {
  return askChoice(context, {
    message: "Starter template",
    flag: "--id",
    choices: starters.map(({ id, name, description }) => ({ value: id, name, description })),
  });
}
