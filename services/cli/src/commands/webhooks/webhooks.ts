import { FleetError } from "@fleet/base";
import type { Webhook } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import { askConsent } from "../../ui/prompt.js";
import type { Column } from "../../ui/table.js";

const COLUMNS: Column<Webhook>[] = [
  { name: "name", text: ({ name }) => name },
  { name: "url", text: ({ url }) => url },
  { name: "resource types", text: ({ resource_types }) => resource_types.join(",") || "all" },
  { name: "actions", text: ({ actions }) => actions.join(",") || "all" },
  { name: "organization", extra: true, text: ({ organization_id }) => organization_id ?? "all" },
  { name: "user", extra: true, text: ({ user_id }) => user_id ?? "all" },
  { name: "enabled", text: ({ enabled }) => String(enabled) },
  { name: "id", text: ({ id }) => id },
];

/** Collects a repeatable option. */
const collect = (value: string, values: string[] = []) => [...values, value];

type Filter = { resourceType?: string[]; action?: string[]; org?: string; user?: string };

export function webhooksCommand(context: Context): Command {
  return new Command("webhooks")
    .alias("webhook")
    .description("Send audit log entries to other systems")
    .addCommand(listCommand(context))
    .addCommand(createCommand(context))
    .addCommand(enableCommand(context, "enable", "Send entries to a webhook again"))
    .addCommand(enableCommand(context, "disable", "Stop sending entries to a webhook"))
    .addCommand(secretCommand(context))
    .addCommand(deleteCommand(context));
}

function listCommand(context: Context): Command {
  return withListOutput(new Command("list").alias("ls").description("List webhooks"), COLUMNS).action(
    async (options: OutputOptions) => {
      const { client } = await context.session();
      printList(context, options, COLUMNS, await client.webhookList());
    },
  );
}

function createCommand(context: Context): Command {
  return new Command("create")
    .description("Create a webhook and print the secret that signs its requests (shown only once)")
    .argument("<name>")
    .argument("<url>")
    .option("--resource-type <type>", "Send only entries of this resource type (repeatable)", collect)
    .option("--action <action>", "Send only entries of this action (repeatable)", collect)
    .option("-O, --org <organization>", "Send only entries of this organization")
    .option("--user <user>", "Send only what this user did")
    .action(async (name: string, url: string, filter: Filter) => {
      const { client } = await context.session();
      const organization = filter.org ? (await context.organization(filter.org)).id : undefined;
      const user = filter.user ? (await client.userGet({ params: { user: filter.user } })).id : undefined;
      const { secret } = await client.webhookCreate({
        body: {
          name,
          url,
          resource_types: filter.resourceType,
          actions: filter.action,
          organization_id: organization,
          user_id: user,
        },
      });
      context.note("Requests are signed as in https://www.standardwebhooks.com with this secret:");
      context.print(secret);
    });
}

function enableCommand(context: Context, name: "enable" | "disable", description: string): Command {
  return new Command(name)
    .description(description)
    .argument("<webhook>")
    .action(async (nameOrId: string) => {
      const { client } = await context.session();
      const webhook = await find(context, nameOrId);
      await client.webhookUpdate({ params: { webhook: webhook.id }, body: { enabled: name === "enable" } });
      context.note(`Webhook ${webhook.name} is ${name}d.`);
    });
}

function secretCommand(context: Context): Command {
  return new Command("regenerate-secret")
    .description("Generate a new secret for a webhook; the previous one stops working")
    .argument("<webhook>")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (nameOrId: string, { yes }: { yes?: boolean }) => {
      const { client } = await context.session();
      const webhook = await find(context, nameOrId);
      await askConsent(context, `Generate a new secret for ${webhook.name}?`, yes);
      const { secret } = await client.webhookUpdate({
        params: { webhook: webhook.id },
        body: { new_secret: true },
      });
      context.print(secret);
    });
}

function deleteCommand(context: Context): Command {
  return new Command("delete")
    .alias("rm")
    .description("Delete a webhook and the messages that were not sent to it")
    .argument("<webhook>")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (nameOrId: string, { yes }: { yes?: boolean }) => {
      const { client } = await context.session();
      const webhook = await find(context, nameOrId);
      await askConsent(context, `Delete webhook ${webhook.name}?`, yes);
      await client.webhookDelete({ params: { webhook: webhook.id } });
      context.note(`Deleted webhook ${webhook.name}.`);
    });
}

/** By ID, or by a name that only one has. */
async function find(context: Context, nameOrId: string): Promise<Webhook> {
  const { client } = await context.session();
  const found = (await client.webhookList()).filter(({ id, name }) => id === nameOrId || name === nameOrId);
  if (found.length === 1) return found[0]!;
  throw found.length === 0
    ? new FleetError("not_found", `Webhook "${nameOrId}" not found. See: coder webhooks list`)
    : new FleetError("invalid_argument", `Several webhooks are named "${nameOrId}". Use the ID.`);
}
