import type { Organization } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import { askConsent } from "../../ui/prompt.js";
import type { Column } from "../../ui/table.js";
import { membersCommand } from "./members.js";
import { rolesCommand } from "./roles.js";
import { settingsCommand } from "./settings.js";

const COLUMNS: Column<Organization>[] = [
  { name: "name", text: (organization) => organization.name },
  { name: "display name", text: (organization) => organization.display_name },
  { name: "id", text: (organization) => organization.id },
  { name: "default", text: (organization) => String(organization.is_default) },
];

export function organizationsCommand(context: Context): Command {
  return new Command("organizations")
    .aliases(["organization", "org", "orgs"])
    .description("Manage organizations")
    .addCommand(listCommand(context))
    .addCommand(showCommand(context))
    .addCommand(createCommand(context))
    .addCommand(editCommand(context))
    .addCommand(deleteCommand(context))
    .addCommand(settingsCommand(context))
    .addCommand(membersCommand(context))
    .addCommand(rolesCommand(context));
}

function listCommand(context: Context): Command {
  return withListOutput(
    new Command("list").alias("ls").description("List the organizations you have access to"),
    COLUMNS,
  ).action(async (options: OutputOptions) => {
    const { client } = await context.session();
    printList(context, options, COLUMNS, await client.organizationList());
  });
}

function showCommand(context: Context): Command {
  return withListOutput(new Command("show").description("Show organizations"), COLUMNS)
    .argument("[which]", "Organization: selected, me (all of yours), or a name", "selected")
    .option("--only-id", "Print only the ID")
    .action(async (which: string, options: OutputOptions & { onlyId?: boolean }) => {
      const { client } = await context.session();
      const found =
        which === "me"
          ? await client.userOrganizationList({ params: { user: "me" } })
          : [await context.organization(which === "selected" ? undefined : which)];
      if (options.onlyId) return context.print(found.map((organization) => organization.id).join("\n"));
      printList(context, options, COLUMNS, found);
    });
}

function createCommand(context: Context): Command {
  return new Command("create")
    .description("Create an organization")
    .argument("<name>")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (name: string, { yes }: { yes?: boolean }) => {
      const { client } = await context.session();
      await askConsent(context, `Create organization ${name}?`, yes);
      const { id } = await client.organizationCreate({ body: { name } });
      context.note(`Created organization ${name} (${id}).`);
    });
}

type EditOptions = { name?: string; displayName?: string; description?: string; icon?: string };

function editCommand(context: Context): Command {
  return new Command("edit")
    .description("Edit an organization")
    .argument("<organization>", "Organization name or ID")
    .option("-n, --name <name>", "Name")
    .option("--display-name <name>", "Display name")
    .option("--description <text>", "Description")
    .option("--icon <url>", "Icon URL")
    .action(async (organization: string, options: EditOptions) => {
      const { client } = await context.session();
      const { displayName, ...rest } = options;
      const body = { ...rest, display_name: displayName };
      const { name } = await client.organizationUpdate({ params: { organization }, body });
      context.note(`Updated organization ${name}.`);
    });
}

function deleteCommand(context: Context): Command {
  return new Command("delete")
    .alias("rm")
    .description("Delete an organization (it must not have workspaces or templates)")
    .argument("<organization>", "Organization name or ID")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (organization: string, { yes }: { yes?: boolean }) => {
      const { client } = await context.session();
      await askConsent(context, `Delete organization ${organization}?`, yes);
      await client.organizationDelete({ params: { organization } });
      context.note(`Deleted organization ${organization}.`);
    });
}
