import { Argument, Command } from "commander";
import type { Context } from "../../context.js";
import { askConsent } from "../../ui/prompt.js";
import { findWorkspace } from "../../workspace/find.js";

export function renameCommand(context: Context): Command {
  return new Command("rename")
    .description("Rename a workspace, if the template allows it")
    .argument("<workspace>")
    .argument("<name>", "New name")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (text: string, name: string, { yes }: { yes?: boolean }) => {
      const { client } = await context.session();
      const workspace = await findWorkspace(client, text);
      await askConsent(
        context,
        `Rename ${workspace.name} to ${name}? Data may be lost if resources are named after it.`,
        yes,
      );
      await client.workspaceUpdate({ params: { workspace: workspace.id }, body: { name } });
      context.note(`Renamed workspace ${workspace.name} to ${name}.`);
    });
}

export function favoriteCommand(context: Context): Command {
  return new Command("favorite")
    .aliases(["fav", "favourite"])
    .description("Add a workspace to your favorites")
    .argument("<workspace>")
    .action(async (text: string) => {
      const { client } = await context.session();
      const { id, name } = await findWorkspace(client, text);
      await client.workspaceFavorite({ params: { workspace: id } });
      context.note(`Added ${name} to your favorites.`);
    });
}

export function unfavoriteCommand(context: Context): Command {
  return new Command("unfavorite")
    .aliases(["unfav", "unfavourite"])
    .description("Remove a workspace from your favorites")
    .argument("<workspace>")
    .action(async (text: string) => {
      const { client } = await context.session();
      const { id, name } = await findWorkspace(client, text);
      await client.workspaceUnfavorite({ params: { workspace: id } });
      context.note(`Removed ${name} from your favorites.`);
    });
}

export function autoupdateCommand(context: Context): Command {
  return new Command("autoupdate")
    .description("Set whether a workspace updates to the active version on start")
    .argument("<workspace>")
    .addArgument(new Argument("<when>").choices(["always", "never"]))
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (text: string, when: "always" | "never") => {
      const { client } = await context.session();
      const { id, name } = await findWorkspace(client, text);
      await client.workspaceAutomaticUpdatesUpdate({
        params: { workspace: id },
        body: { automatic_updates: when },
      });
      context.note(`Set automatic updates of ${name} to ${when}.`);
    });
}
