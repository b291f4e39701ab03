import type { Organization } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import { askConsent } from "../../ui/prompt.js";
import type { Column } from "../../ui/table.js";
import { membersCommand } from "./members.js";
import { rolesCommand } from "./roles.js";

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
    .addCommand(showCommand(context))
    .addCommand(createCommand(context))
    .addCommand(membersCommand(context))
    .addCommand(rolesCommand(context));
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
