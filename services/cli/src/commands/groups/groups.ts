import type { Group } from "@fleet/sdk";
import { Command, InvalidArgumentError } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import { askConsent } from "../../ui/prompt.js";
import type { Column } from "../../ui/table.js";

const COLUMNS: Column<Group>[] = [
  { name: "name", text: (group) => group.name },
  { name: "display name", text: (group) => group.display_name },
  { name: "organization id", extra: true, text: (group) => group.organization_id },
  { name: "members", text: (group) => String(group.total_member_count) },
  { name: "quota allowance", extra: true, text: (group) => String(group.quota_allowance) },
  { name: "id", extra: true, text: (group) => group.id },
];

type EditOptions = {
  name?: string;
  displayName?: string;
  avatarUrl?: string;
  quotaAllowance?: number;
  addUsers?: string[];
  rmUsers?: string[];
  org?: string;
};

export function groupsCommand(context: Context): Command {
  return new Command("groups")
    .alias("group")
    .description("Manage groups")
    .addCommand(createCommand(context))
    .addCommand(editCommand(context))
    .addCommand(listCommand(context))
    .addCommand(deleteCommand(context));
}

function commas(text: string): string[] {
  return text.split(",").filter((part) => part !== "");
}

/** Credits per day. */
function credits(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Must be a whole number of credits per day.");
}

const QUOTA = [
  "--quota-allowance <credits>",
  "Credits per day that the group adds to the quota of each member",
] as const;

async function find(context: Context, groupName: string, org: string | undefined): Promise<Group> {
  const { client } = await context.session();
  const { id } = await context.organization(org);
  return client.groupGetByName({ params: { organization: id, groupName } });
}

function createCommand(context: Context): Command {
  return new Command("create")
    .description("Create a group")
    .argument("<name>")
    .option("--display-name <name>", "Display name")
    .option("-u, --avatar-url <url>", "Avatar URL")
    .option(...QUOTA, credits)
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (name: string, options: EditOptions) => {
      const { client } = await context.session();
      const { id } = await context.organization(options.org);
      const body = {
        name,
        display_name: options.displayName,
        avatar_url: options.avatarUrl,
        quota_allowance: options.quotaAllowance,
      };
      await client.groupCreate({ params: { organization: id }, body });
      context.note(`Created group ${name}.`);
    });
}

function editCommand(context: Context): Command {
  return new Command("edit")
    .description("Edit a group and its members")
    .argument("<group>")
    .option("-n, --name <name>", "Name")
    .option("--display-name <name>", "Display name")
    .option("-u, --avatar-url <url>", "Avatar URL")
    .option(...QUOTA, credits)
    .option("-a, --add-users <users>", "Users to add, comma-separated", commas)
    .option("-r, --rm-users <users>", "Users to remove, comma-separated", commas)
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (name: string, options: EditOptions) => {
      const { client } = await context.session();
      const group = await find(context, name, options.org);
      await client.groupUpdate({
        params: { group: group.id },
        body: {
          name: options.name,
          display_name: options.displayName,
          avatar_url: options.avatarUrl,
          quota_allowance: options.quotaAllowance,
          add_users: options.addUsers,
          remove_users: options.rmUsers,
        },
      });
      context.note(`Updated group ${options.name ?? name}.`);
    });
}

function listCommand(context: Context): Command {
  return withListOutput(new Command("list").alias("ls").description("List groups"), COLUMNS)
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (options: OutputOptions & { org?: string }) => {
      const { client } = await context.session();
      const { id } = await context.organization(options.org);
      const groups = await client.groupListByOrganization({ params: { organization: id } });
      printList(context, options, COLUMNS, groups);
    });
}

function deleteCommand(context: Context): Command {
  return new Command("delete")
    .alias("rm")
    .description("Delete a group")
    .argument("<group>")
    .option("-O, --org <organization>", "Organization name or ID")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (name: string, options: { org?: string; yes?: boolean }) => {
      const { client } = await context.session();
      const group = await find(context, name, options.org);
      await askConsent(context, `Delete group ${name}?`, options.yes);
      await client.groupDelete({ params: { group: group.id } });
      context.note(`Deleted group ${name}.`);
    });
}
