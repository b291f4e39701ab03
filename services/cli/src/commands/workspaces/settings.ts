import { Argument, Command } from "commander";
import type { Context } from "../../context.js";
import { askConsent } from "../../ui/prompt.js";
import { findWorkspace } from "../../workspace/find.js";

export function renameCommand(context: Context): Command {
  return new Command("rename")
    .description("Rename a workspace; a template may refuse it, since resources can be named after it")
    .argument("<workspace>")
    .argument("<name>", "its other name")
    .option("-y, --yes", "do not ask")
    .action(async (text: string, name: string, { yes }: { yes?: boolean }) => {
      const { client } = await context.session();
      const workspace = await findWorkspace(client, text);
      await askConsent(
        context,
        `Rename ${workspace.name} to ${name}? Data may be lost if resources are named after it.`,
        yes,
      );
      await client.workspaceUpdate({ params: { workspace: workspace.id }, body: { name } });
      context.note(`The workspace ${workspace.name} is named ${name}.`);
    });
}

export function favoriteCommand(context: Context): Command {
  return new Command("favorite")
    .aliases(["fav", "favourite"])
    .description("Put a workspace at the top of lists")
    .argument("<workspace>")
    .action(async (text: string) => {
      const { client } = await context.session();
      const { id, name } = await findWorkspace(client, text);
      await client.workspaceFavorite({ params: { workspace: id } });
      context.note(`The workspace ${name} is a favorite.`);
    });
}

export function unfavoriteCommand(context: Context): Command {
  return new Command("unfavorite")
    .aliases(["unfav", "unfavourite"])
    .description("Take a workspace from the top of lists")
    .argument("<workspace>")
    .action(async (text: string) => {
      const { client } = await context.session();
      const { id, name } = await findWorkspace(client, text);
      await client.workspaceUnfavorite({ params: { workspace: id } });
      context.note(`The workspace ${name} is no favorite any more.`);
    });
}

export function autoupdateCommand(context: Context): Command {
  return new Command("autoupdate")
    .description("Set whether a start takes the template's active version")
    .argument("<workspace>")
    .addArgument(new Argument("<when>").choices(["always", "never"]))
    .option("-y, --yes", "do not ask")
    .action(async (text: string, when: "always" | "never") => {
      const { client } = await context.session();
      const { id, name } = await findWorkspace(client, text);
      await client.workspaceAutomaticUpdatesUpdate({
        params: { workspace: id },
        body: { automatic_updates: when },
      });
      context.note(`Automatic updates of ${name}: ${when}.`);
    });
}
