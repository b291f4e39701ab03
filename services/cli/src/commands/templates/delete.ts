import { Command } from "commander";
import type { Context } from "../../context.js";
import { askConsent } from "../../ui/prompt.js";
import { findTemplate } from "./find.js";

export function templateDeleteCommand(context: Context): Command {
  return new Command("delete")
    .alias("rm")
    .description("Delete templates that have no workspaces")
    .argument("<template...>")
    .option("-O, --org <organization>", "organization")
    .option("-y, --yes", "do not ask")
    .action(async (names: string[], options: { org?: string; yes?: boolean }) => {
      const { client } = await context.session();
      const templates = await Promise.all(names.map((name) => findTemplate(context, name, options.org)));
      await askConsent(context, `Delete ${names.join(", ")}?`, options.yes);
      for (const template of templates) {
        await client.templateDelete({ params: { template: template.id } });
        context.note(`The template ${template.name} is deleted.`);
      }
    });
}
