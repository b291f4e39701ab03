import { Command } from "commander";
import type { Context } from "../../context.js";
import { askConsent } from "../../ui/prompt.js";
import { findTemplate } from "./find.js";

export function templateDeleteCommand(context: Context): Command {
  return new Command("delete")
    .alias("rm")
    .description("Delete templates (they must not have workspaces)")
    .argument("<template...>")
    .option("-O, --org <organization>", "Organization name or ID")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (names: string[], options: { org?: string; yes?: boolean }) => {
      const { client } = await context.session();
      const templates = await Promise.all(names.map((name) => findTemplate(context, name, options.org)));
      await askConsent(context, `Delete ${names.join(", ")}?`, options.yes);
      for (const template of templates) {
        await client.templateDelete({ params: { template: template.id } });
        context.note(`Deleted template ${template.name}.`);
      }
    });
}
