import { Command } from "commander";
import type { Context } from "../../context.js";
import { findTemplate } from "../templates/find.js";

export function prebuildsCommand(context: Context): Command {
  return new Command("prebuilds")
    .alias("prebuild")
    .description("Manage prebuilt workspaces")
    .addCommand(pauseCommand(context, "pause", "Stop creating and deleting prebuilt workspaces"))
    .addCommand(pauseCommand(context, "resume", "Create and delete prebuilt workspaces again"))
    .addCommand(invalidateCommand(context));
}

function pauseCommand(context: Context, name: "pause" | "resume", description: string): Command {
  return new Command(name).description(description).action(async () => {
    const { client } = await context.session();
    await client.prebuildSettingsUpdate({ body: { reconciliation_paused: name === "pause" } });
    context.note(name === "pause" ? "Prebuilds are paused." : "Prebuilds are resumed.");
  });
}

function invalidateCommand(context: Context): Command {
  return new Command("invalidate")
    .description("Replace the prebuilt workspaces of a template by new ones")
    .argument("<template>")
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (name: string, { org }: { org?: string }) => {
      const { client } = await context.session();
      const { id } = await findTemplate(context, name, org);
      const { invalidated } = await client.prebuildsInvalidate({ params: { template: id } });
      if (invalidated.length === 0) return context.note("No preset of the template has prebuilt workspaces.");
      const presets = invalidated.map(({ preset_name }) => preset_name).join(", ");
      context.note(`The prebuilt workspaces of these presets are being replaced: ${presets}`);
    });
}
