import type { Template, TemplateVersion } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";
import { ago } from "../../ui/time.js";
import { findTemplate } from "./find.js";

export function templateVersionsCommand(context: Context): Command {
  return new Command("versions")
    .alias("version")
    .description("Manage the versions of a template")
    .addCommand(listCommand(context))
    .addCommand(promoteCommand(context))
    .addCommand(archiveCommand(context, "archive"))
    .addCommand(archiveCommand(context, "unarchive"));
}

function columns(context: Context, template?: Template): Column<TemplateVersion>[] {
  return [
    { name: "name", text: (version) => version.name },
    { name: "created at", text: (version) => ago(version.created_at, context.clock.now()) },
    { name: "created by", text: (version) => version.created_by.username },
    { name: "status", text: (version) => version.job.status },
    { name: "active", text: (version) => (version.id === template?.active_version_id ? "active" : "") },
    { name: "archived", extra: true, text: (version) => String(version.archived) },
    { name: "id", extra: true, text: (version) => version.id },
    { name: "message", extra: true, text: (version) => version.message },
  ];
}

function listCommand(context: Context): Command {
  return withListOutput(
    new Command("list").alias("ls").description("List versions, latest first"),
    columns(context),
  )
    .argument("<template>")
    .option("--include-archived", "list archived ones too")
    .option("-O, --org <organization>", "organization")
    .action(async (name: string, options: OutputOptions & { includeArchived?: boolean; org?: string }) => {
      const { client } = await context.session();
      const template = await findTemplate(context, name, options.org);
      const versions = await client.templateVersionList({
        params: { template: template.id },
        query: { include_archived: options.includeArchived },
      });
      printList(context, options, columns(context, template), versions.reverse());
    });
}

function promoteCommand(context: Context): Command {
  return new Command("promote")
    .description("Make a version the active one, which workspaces start on")
    .requiredOption("-t, --template <name>", "template")
    .requiredOption("--template-version <name>", "version")
    .option("-O, --org <organization>", "organization")
    .action(async (options: { template: string; templateVersion: string; org?: string }) => {
      const { client } = await context.session();
      const template = await findTemplate(context, options.template, options.org);
      const { id } = await client.templateVersionGetByName({
        params: { template: template.id, versionName: options.templateVersion },
      });
      await client.templateVersionPromote({ params: { template: template.id }, body: { id } });
      context.note(`The version ${options.templateVersion} of ${options.template} is the active one.`);
    });
}

function archiveCommand(context: Context, verb: "archive" | "unarchive"): Command {
  return new Command(verb)
    .description(verb === "archive" ? "Hide versions that no workspace uses" : "Show archived versions again")
    .argument("<template>")
    .argument("<version...>")
    .option("-O, --org <organization>", "organization")
    .option("-y, --yes", "do not ask")
    .action(async (name: string, versions: string[], options: { org?: string }) => {
      const { client } = await context.session();
      const template = await findTemplate(context, name, options.org);
      for (const versionName of versions) {
        const { id } = await client.templateVersionGetByName({
          params: { template: template.id, versionName },
        });
        if (verb === "archive") await client.templateVersionArchive({ params: { version: id } });
        else await client.templateVersionUnarchive({ params: { version: id } });
        context.note(`The version ${versionName} is ${verb}d.`);
      }
    });
}
