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
    .description("Manage who is in an organization")
    .addCommand(
      withListOutput(new Command("list").alias("ls").description("List members"), COLUMNS)
        .option("-O, --org <organization>", "organization")
        .action(async (options: OutputOptions & { org?: string }) => {
          const { client } = await context.session();
          const { id } = await context.organization(options.org);
          printList(context, options, COLUMNS, await client.memberList({ params: { organization: id } }));
        }),
    )
    .addCommand(
      new Command("add")
        .description("Add a user")
        .argument("<user>")
        .option("-O, --org <organization>", "organization")
        .action(async (user: string, options: { org?: string }) => {
          const { client } = await context.session();
          const organization = await context.organization(options.org);
          await client.memberAdd({ params: { organization: organization.id, user } });
          context.note(`${user} is a member of ${organization.name}.`);
        }),
    )
    .addCommand(
      new Command("remove")
        .alias("rm")
        .description("Remove a user")
        .argument("<user>")
        .option("-O, --org <organization>", "organization")
        .action(async (user: string, options: { org?: string }) => {
          const { client } = await context.session();
          const organization = await context.organization(options.org);
          await client.memberRemove({ params: { organization: organization.id, user } });
          context.note(`${user} is no member of ${organization.name} any more.`);
        }),
    )
    .addCommand(
      new Command("edit-roles")
        .description("Set a member's roles in the organization")
        .argument("<user>")
        .argument("[roles...]", "role names; none takes all away")
        .option("-O, --org <organization>", "organization")
        .action(async (user: string, roles: string[], options: { org?: string }) => {
          const { client } = await context.session();
          const organization = await context.organization(options.org);
          await client.memberRolesUpdate({
            params: { organization: organization.id, user },
            body: { roles },
          });
          context.note(`The roles of ${user} in ${organization.name} are set.`);
        }),
    );
}
