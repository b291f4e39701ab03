import type { QuotaUsage } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printJson, printList, withListOutput, withTextOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";
import { quotaLine } from "../../workspace/price.js";

type UserRow = QuotaUsage["users"][number];

const COLUMNS: Column<UserRow>[] = [
  { name: "user", text: (user) => user.username },
  { name: "name", extra: true, text: (user) => user.name },
  { name: "credits per day", text: (user) => String(user.credits_consumed) },
  { name: "budget", text: (user) => (user.limited === false ? "unlimited" : String(user.budget)) },
  { name: "user id", extra: true, text: (user) => user.user_id },
];

/** Users per request. */
const PAGE = 100;

export function quotasCommand(context: Context): Command {
  return new Command("quotas")
    .alias("quota")
    .description("Show how much of their workspace quotas users use")
    .addCommand(listCommand(context))
    .addCommand(showCommand(context));
}

function listCommand(context: Context): Command {
  return withListOutput(
    new Command("list").alias("ls").description("List users, the largest consumers first"),
    COLUMNS,
  )
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (options: OutputOptions & { org?: string }) => {
      const { client } = await context.session();
      const { id } = await context.organization(options.org);
      const rows: UserRow[] = [];
      for (let count = 1; rows.length < count; ) {
        const page = await client.organizationQuotas({
          params: { organization: id },
          query: { limit: PAGE, offset: rows.length },
        });
        rows.push(...page.users);
        if (page.users.length === 0) break;
        count = page.count;
      }
      printList(context, options, COLUMNS, rows);
    });
}

function showCommand(context: Context): Command {
  return withTextOutput(new Command("show").description("Show a user's quota"))
    .argument("[user]", "Username or ID (default: the signed-in user)")
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (user: string | undefined, options: OutputOptions & { org?: string }) => {
      const { client } = await context.session();
      const { id } = await context.organization(options.org);
      const quota = await client.memberQuota({ params: { organization: id, user: user ?? "me" } });
      if (options.output === "json") printJson(context, quota);
      else context.print(quotaLine(quota));
    });
}
