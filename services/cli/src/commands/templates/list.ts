import type { Template } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";
import { ago } from "../../ui/time.js";
import { ttlText } from "../schedule/text.js";

export function templateListCommand(context: Context): Command {
  const columns: Column<Template>[] = [
    { name: "name", text: (template) => template.name },
    { name: "created at", extra: true, text: (template) => ago(template.created_at, context.clock.now()) },
    { name: "last updated", text: (template) => ago(template.updated_at, context.clock.now()) },
    { name: "organization id", extra: true, text: (template) => template.organization_id },
    { name: "organization name", text: (template) => template.organization_name },
    { name: "provisioner", extra: true, text: (template) => template.provisioner },
    { name: "active version id", extra: true, text: (template) => template.active_version_id },
    { name: "used by", text: (template) => usedBy(template.active_user_count) },
    { name: "default ttl", extra: true, text: (template) => ttlText(template.default_ttl_ms) },
  ];
  return withListOutput(new Command("list").alias("ls").description("List templates"), columns).action(
    async (options: OutputOptions) => {
      const { client } = await context.session();
      const templates = await client.templateList({ query: {} });
      if (templates.length === 0 && options.output === "table") {
        return context.note("No templates found. Create one with: coder templates push");
      }
      printList(context, options, columns, templates);
    },
  );
}

function usedBy(count: number): string {
  if (count < 0) return "";
  return `${count} developer${count === 1 ? "" : "s"}`;
}
