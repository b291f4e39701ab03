import type { Template, TemplateRollout, TemplateVersion } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import { askConsent } from "../../ui/prompt.js";
import type { Column } from "../../ui/table.js";
import { ago } from "../../ui/time.js";
import { findTemplate } from "./find.js";
import { type RolloutFlags, rolloutsOf, startRollout, withRolloutFlags } from "./rollout.js";

export function templateVersionsCommand(context: Context): Command {
  return new Command("versions")
    .alias("version")
    .description("Manage template versions")
    .addCommand(listCommand(context))
    .addCommand(promoteCommand(context))
    .addCommand(archiveCommand(context, "archive"))
    .addCommand(archiveCommand(context, "unarchive"));
}

function columns(
  context: Context,
  template?: Template,
  rollout?: TemplateRollout,
): Column<TemplateVersion>[] {
  const share = (version: TemplateVersion) =>
    version.id === rollout?.template_version_id ? `${rollout.percent}%` : "";
  return [
    { name: "name", text: (version) => version.name },
    { name: "created at", text: (version) => ago(version.created_at, context.clock.now()) },
    { name: "created by", text: (version) => version.created_by.username },
    { name: "status", text: (version) => version.job.status },
    {
      name: "active",
      text: (version) => (version.id === template?.active_version_id ? "active" : share(version)),
    },
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
    .option("--include-archived", "Include archived versions")
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (name: string, options: OutputOptions & { includeArchived?: boolean; org?: string }) => {
      const { client } = await context.session();
      const template = await findTemplate(context, name, options.org);
      const versions = await client.templateVersionList({
        params: { template: template.id },
        query: { include_archived: options.includeArchived },
      });
      const rollout = (await rolloutsOf(client, template)).find(({ ended_at }) => ended_at === null);
      printList(context, options, columns(context, template, rollout), versions.reverse());
    });
}

function promoteCommand(context: Context): Command {
  return withRolloutFlags(
    new Command("promote").description("Make a version the active version of its template"),
  )
    .requiredOption("-t, --template <name>", "Template")
    .requiredOption("--template-version <name>", "Name of the version")
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (options: RolloutFlags & { template: string; templateVersion: string; org?: string }) => {
      const { client } = await context.session();
      const template = await findTemplate(context, options.template, options.org);
      const version = await client.templateVersionGetByName({
        params: { template: template.id, versionName: options.templateVersion },
      });
      if (await startRollout(context, template, version, options)) return;
      const open = (await rolloutsOf(client, template)).find(({ ended_at }) => ended_at === null);
      await client.templateVersionPromote({ params: { template: template.id }, body: { id: version.id } });
      if (open && open.template_version_id !== version.id)
        context.note(`This ended the rollout of version ${open.template_version_name}.`);
      context.note(`Version ${options.templateVersion} is now the active version of ${options.template}.`);
    });
}

function archiveCommand(context: Context, verb: "archive" | "unarchive"): Command {
  return new Command(verb)
    .description(verb === "archive" ? "Archive versions that no workspace uses" : "Unarchive versions")
    .argument("<template>")
    .argument("<version...>")
    .option("-O, --org <organization>", "Organization name or ID")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (name: string, versions: string[], options: { org?: string; yes?: boolean }) => {
      const { client } = await context.session();
      const what = verb === "archive" ? "Archive" : "Unarchive";
      await askConsent(context, `${what} ${versions.join(", ")} of template ${name}?`, options.yes);
      const template = await findTemplate(context, name, options.org);
      for (const versionName of versions) {
        const { id } = await client.templateVersionGetByName({
          params: { template: template.id, versionName },
        });
        if (verb === "archive") await client.templateVersionArchive({ params: { version: id } });
        else await client.templateVersionUnarchive({ params: { version: id } });
        context.note(`Version ${versionName} ${verb}d.`);
      }
    });
}
