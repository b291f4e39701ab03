import type { License } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";

const COLUMNS: Column<License>[] = [
  { name: "id", text: ({ id }) => String(id) },
  { name: "uuid", text: ({ uuid }) => uuid },
  { name: "uploaded at", text: ({ uploaded_at }) => uploaded_at },
];

export function licensesCommand(context: Context): Command {
  return new Command("licenses")
    .alias("license")
    .description("List licenses; every feature is available without one")
    .addCommand(
      withListOutput(new Command("list").alias("ls").description("List licenses"), COLUMNS).action(
        async (options: OutputOptions) => {
          const { client } = await context.session();
          const licenses = await client.licenseList();
          if (licenses.length === 0 && options.output !== "json")
            return context.note("This deployment needs no license: every feature is available.");
          printList(context, options, COLUMNS, licenses);
        },
      ),
    );
}
