import { Command } from "commander";
import type { Context } from "../../context.js";
import { askConsent } from "../../ui/prompt.js";
import { findTemplate } from "./find.js";

export function templateArchiveCommand(context: Context): Command {
  return new Command("archive")
    .description("Archive the versions of a template that failed to import, or with --all every unused one")
    .argument("<template...>")
    .option("--all", "every version that no workspace uses")
    .option("-O, --org <organization>", "organization")
    .option("-y, --yes", "do not ask")
    .action(async (names: string[], options: { all?: boolean; org?: string; yes?: boolean }) => {
      const { client } = await context.session();
      await askConsent(context, `Archive versions of ${names.join(", ")}?`, options.yes);
      for (const name of names) {
        const template = await findTemplate(context, name, options.org);
        const { archived_ids } = await client.templateVersionArchiveUnused({
          params: { template: template.id },
          body: { all: options.all },
        });
        context.note(`${archived_ids.length} versions of ${name} are archived.`);
      }
    });
}
