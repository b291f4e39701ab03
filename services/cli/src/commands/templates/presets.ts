import type { Preset } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";
import { findTemplate } from "./find.js";

const COLUMNS: Column<Preset>[] = [
  { name: "name", text: (preset) => preset.Name },
  {
    name: "parameters",
    text: (preset) => preset.Parameters.map(({ Name, Value }) => `${Name}=${Value}`).join(","),
  },
  { name: "default", text: (preset) => String(preset.Default ?? false) },
  { name: "desired prebuild instances", text: (preset) => String(preset.DesiredPrebuildInstances ?? "-") },
];

export function templatePresetsCommand(context: Context): Command {
  const list = withListOutput(new Command("list").alias("ls").description("List presets"), COLUMNS)
    .argument("<template>")
    .option("--template-version <name>", "Name of the version (default: the active version)")
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (name: string, options: OutputOptions & { templateVersion?: string; org?: string }) => {
      const { client } = await context.session();
      const template = await findTemplate(context, name, options.org);
      const version = options.templateVersion
        ? (
            await client.templateVersionGetByName({
              params: { template: template.id, versionName: options.templateVersion },
            })
          ).id
        : template.active_version_id;
      printList(context, options, COLUMNS, await client.templateVersionPresets({ params: { version } }));
    });
  return new Command("presets").alias("preset").description("Manage template presets").addCommand(list);
}
