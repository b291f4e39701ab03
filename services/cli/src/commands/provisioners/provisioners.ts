import { Command } from "commander";
import type { Context } from "../../context.js";
import { isPair, listOf } from "../../ui/list-option.js";
import { countOf } from "../../ui/number-option.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import { askConsent } from "../../ui/prompt.js";
import { daemonColumns, jobColumns, keyColumns } from "./columns.js";
import { startCommand } from "./start.js";
import { parseTags } from "./tags.js";

export function provisionerCommand(context: Context): Command {
  return new Command("provisioner")
    .alias("provisioners")
    .description("Manage provisioner daemons, jobs and keys")
    .addCommand(startCommand(context))
    .addCommand(listCommand(context))
    .addCommand(
      new Command("jobs")
        .alias("job")
        .description("Manage provisioner jobs")
        .addCommand(jobsListCommand(context))
        .addCommand(jobsCancelCommand(context)),
    )
    .addCommand(
      new Command("keys")
        .alias("key")
        .description("Manage the keys of external provisioner daemons")
        .addCommand(keysCreateCommand(context))
        .addCommand(keysListCommand(context))
        .addCommand(keysDeleteCommand(context)),
    );
}

function listCommand(context: Context): Command {
  const columns = daemonColumns(context);
  return withListOutput(new Command("list").alias("ls").description("List provisioner daemons"), columns)
    .option("-l, --limit <count>", "Maximum number of results", countOf(), 50)
    .option("--show-offline", "Include provisioner daemons that are offline")
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (options: OutputOptions & { limit: number; showOffline?: boolean; org?: string }) => {
      const { client } = await context.session();
      const { id } = await context.organization(options.org);
      const query = { limit: options.limit, offline: options.showOffline ?? false };
      const daemons = await client.provisionerDaemonList({ params: { organization: id }, query });
      printList(context, options, columns, daemons);
    });
}

function jobsListCommand(context: Context): Command {
  const columns = jobColumns(context);
  return withListOutput(new Command("list").alias("ls").description("List jobs, latest first"), columns)
    .option("-s, --status <statuses>", "Filter by status, comma-separated")
    .option("-i, --initiator <user>", "Filter by the user who started the job")
    .option("-l, --limit <count>", "Maximum number of results", countOf(), 50)
    .option("-O, --org <organization>", "Organization name or ID")
    .action(
      async (
        options: OutputOptions & { status?: string; initiator?: string; limit: number; org?: string },
      ) => {
        const { client } = await context.session();
        const { id } = await context.organization(options.org);
        const initiator = options.initiator
          ? (await client.userGet({ params: { user: options.initiator } })).id
          : undefined;
        const query = { limit: options.limit, status: options.status, initiator };
        const jobs = await client.provisionerJobList({ params: { organization: id }, query });
        printList(context, options, columns, jobs);
      },
    );
}

function jobsCancelCommand(context: Context): Command {
  return new Command("cancel")
    .description("Cancel a job")
    .argument("<job>", "ID of the job")
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (job: string, options: { org?: string }) => {
      const { client } = await context.session();
      const { id } = await context.organization(options.org);
      const { input, type } = await client.provisionerJobGet({ params: { organization: id, job } });
      if (type === "workspace_build") {
        await client.workspaceBuildCancel({ params: { build: input.workspace_build_id! } });
      } else if (type === "template_version_dry_run") {
        await client.dryRunCancel({ params: { version: input.template_version_id!, job } });
      } else {
        await client.templateVersionCancel({ params: { version: input.template_version_id! } });
      }
      context.note("Canceling the job.");
    });
}

function keysCreateCommand(context: Context): Command {
  return new Command("create")
    .description("Create a key and print it (shown only once)")
    .argument("<name>")
    .option("-t, --tag <key=value>", "Tag of the daemons that use the key (repeatable)", listOf(isPair))
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (name: string, options: { tag?: string[]; org?: string }) => {
      const { client } = await context.session();
      const { id } = await context.organization(options.org);
      const tags = parseTags(options.tag ?? []);
      const { key } = await client.provisionerKeyCreate({
        params: { organization: id },
        body: { name, tags },
      });
      context.note("Set CODER_PROVISIONER_DAEMON_KEY of the daemon to the key below. It is shown only once.");
      context.print(key);
    });
}

function keysListCommand(context: Context): Command {
  const columns = keyColumns(context);
  return withListOutput(new Command("list").alias("ls").description("List keys"), columns)
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (options: OutputOptions & { org?: string }) => {
      const { client } = await context.session();
      const { id } = await context.organization(options.org);
      printList(context, options, columns, await client.provisionerKeyList({ params: { organization: id } }));
    });
}

function keysDeleteCommand(context: Context): Command {
  return new Command("delete")
    .alias("rm")
    .description("Delete a key and disconnect the daemons that use it")
    .argument("<name>")
    .option("-O, --org <organization>", "Organization name or ID")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (name: string, options: { org?: string; yes?: boolean }) => {
      const { client } = await context.session();
      const { id } = await context.organization(options.org);
      await askConsent(context, `Delete key ${name}?`, options.yes);
      await client.provisionerKeyDelete({ params: { organization: id, keyName: name } });
      context.note(`Deleted key ${name}.`);
    });
}
