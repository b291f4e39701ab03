import { Command } from "commander";
import type { Context } from "../../context.js";
import { askConsent } from "../../ui/prompt.js";
import { findTemplate } from "./find.js";

export function templateArchiveCommand(context: Context): Command {
  return new Command("archive")
    .description("Archive template versions that failed to import, or all unused ones with --all")
    .argument("<template...>")
    .option("--all", "Archive every version that no workspace uses")
    .option("-O, --org <organization>", "Organization name or ID")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (names: string[], options: { all?: boolean; org?: string; yes?: boolean }) => {
      const { client } = await context.session();
      await askConsent(context, `Archive unused versions of ${names.join(", ")}?`, options.yes);
      for (const name of names) {
        const template = await findTemplate(context, name, options.org);
        const { archived_ids } = await client.templateVersionArchiveUnused({
          params: { template: template.id },
          body: { all: options.all },
        });
        context.note(`Archived ${archived_ids.length} versions of ${name}.`);
      }
    });
}
