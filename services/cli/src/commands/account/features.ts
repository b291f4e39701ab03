import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printJson, printList, withListOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";

type Row = { name: string; entitlement: string; enabled: boolean };

const COLUMNS: Column<Row>[] = [
  { name: "name", text: (feature) => feature.name },
  { name: "entitlement", text: (feature) => feature.entitlement },
  { name: "enabled", text: (feature) => String(feature.enabled) },
];

export function featuresCommand(context: Context): Command {
  return new Command("features").description("Manage features of the deployment").addCommand(
    withListOutput(new Command("list").alias("ls").description("List features"), COLUMNS).action(
      async (options: OutputOptions) => {
        const { client } = await context.session();
        const entitlements = await client.entitlements();
        if (options.output === "json") return printJson(context, entitlements);
        const rows = Object.entries(entitlements.features).map(([name, feature]) => ({ name, ...feature }));
        printList(context, options, COLUMNS, rows);
      },
    ),
  );
}
