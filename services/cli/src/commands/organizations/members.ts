import type { OrganizationMember } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";

const COLUMNS: Column<OrganizationMember>[] = [
  { name: "username", text: (member) => member.username },
  { name: "email", extra: true, text: (member) => member.email },
  {
    name: "organization roles",
    text: (member) => member.roles.map((role) => role.display_name || role.name).join(", "),
  },
  { name: "user id", extra: true, text: (member) => member.user_id },
];

export function membersCommand(context: Context): Command {
  return new Command("members")
    .alias("member")
    .description("Manage organization members")
    .addCommand(
      withListOutput(new Command("list").alias("ls").description("List members"), COLUMNS)
        .option("-O, --org <organization>", "Organization name or ID")
        .action(async (options: OutputOptions & { org?: string }) => {
          const { client } = await context.session();
          const { id } = await context.organization(options.org);
          printList(context, options, COLUMNS, await client.memberList({ params: { organization: id } }));
        }),
    )
    .addCommand(
      new Command("add")
        .description("Add a user to an organization")
        .argument("<user>")
        .option("-O, --org <organization>", "Organization name or ID")
        .action(async (user: string, options: { org?: string }) => {
          const { client } = await context.session();
          const organization = await context.organization(options.org);
          await client.memberAdd({ params: { organization: organization.id, user } });
          context.note(`Added ${user} to ${organization.name}.`);
        }),
    )
    .addCommand(
      new Command("remove")
        .alias("rm")
        .description("Remove a user from an organization")
        .argument("<user>")
        .option("-O, --org <organization>", "Organization name or ID")
        .action(async (user: string, options: { org?: string }) => {
          const { client } = await context.session();
          const organization = await context.organization(options.org);
          await client.memberRemove({ params: { organization: organization.id, user } });
          context.note(`Removed ${user} from ${organization.name}.`);
        }),
    )
    .addCommand(
      new Command("edit-roles")
        .description("Set the organization roles of a member")
        .argument("<user>")
        .argument("[roles...]", "Roles (none to remove all)")
        .option("-O, --org <organization>", "Organization name or ID")
        .action(async (user: string, roles: string[], options: { org?: string }) => {
          const { client } = await context.session();
          const organization = await context.organization(options.org);
          await client.memberRolesUpdate({
            params: { organization: organization.id, user },
            body: { roles },
          });
          context.note(`Set the roles of ${user} in ${organization.name}.`);
        }),
    );
}
