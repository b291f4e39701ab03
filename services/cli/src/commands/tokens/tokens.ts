import { FleetError, isFleetError, parseDuration } from "@fleet/base";
import type { ApiKey } from "@fleet/sdk";
import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { listOf } from "../../ui/list-option.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";
import { ago, until } from "../../ui/time.js";

const NS_PER_MS = 1_000_000;

export function tokensCommand(context: Context): Command {
  return new Command("tokens")
    .alias("token")
    .description("Manage API tokens")
    .addCommand(createCommand(context))
    .addCommand(listCommand(context))
    .addCommand(removeCommand(context));
}

function createCommand(context: Context): Command {
  return new Command("create")
    .description("Create a token and print it (shown only once)")
    .addOption(
      new Option("--lifetime <duration>", "Lifetime of the token, such as 720h").env("CODER_TOKEN_LIFETIME"),
    )
    .addOption(new Option("-n, --name <name>", "Name of the token").env("CODER_TOKEN_NAME"))
    .addOption(
      new Option("-u, --user <user>", "User to create the token for").env("CODER_TOKEN_USER").default("me"),
    )
    .option(
      "--scope <scope>",
      "Scope of the token, such as workspace:read (repeatable) (default: all)",
      listOf(),
    )
    .action(async (options: { lifetime?: string; name?: string; user: string; scope?: string[] }) => {
      const { client } = await context.session();
      const { key } = await client.tokenCreate({
        params: { user: options.user },
        body: {
          lifetime: options.lifetime ? parseDuration(options.lifetime) * NS_PER_MS : undefined,
          token_name: options.name,
          scopes: options.scope,
        },
      });
      context.print(key);
    });
}

function columns(context: Context): Column<ApiKey>[] {
  const now = () => context.clock.now();
  return [
    { name: "id", text: (token) => token.id },
    { name: "name", text: (token) => token.token_name },
    { name: "last used", text: (token) => ago(token.last_used, now()) || "never" },
    { name: "expires at", text: (token) => until(token.expires_at, now()) },
    { name: "created at", text: (token) => ago(token.created_at, now()) },
    { name: "scope", extra: true, text: (token) => token.scopes?.join(",") ?? token.scope },
    { name: "owner", extra: true, text: (token) => token.username ?? token.user_id },
  ];
}

function listCommand(context: Context): Command {
  return withListOutput(new Command("list").alias("ls").description("List tokens"), columns(context))
    .option("-a, --all", "List the tokens of all users")
    .action(async (options: OutputOptions & { all?: boolean }) => {
      const { client } = await context.session();
      const tokens = await client.tokenList({ params: { user: "me" }, query: { include_all: options.all } });
      const chosen =
        options.all && !options.column
          ? { ...options, column: ["id", "name", "owner", "last used", "expires at"] }
          : options;
      printList(context, chosen, columns(context), tokens);
    });
}

/** A full token: its ID and its secret. */
const WHOLE_TOKEN = /^([A-Za-z0-9]{10})-[A-Za-z0-9]{22}$/;

function removeCommand(context: Context): Command {
  return new Command("remove")
    .aliases(["delete", "rm"])
    .description("Delete a token")
    .argument("<token>", "Name, ID, or the token itself")
    .action(async (given: string) => {
      const { client } = await context.session();
      const id = WHOLE_TOKEN.exec(given)?.[1];
      const tokens = await client.tokenList({ params: { user: "me" } });
      const token = tokens.find((each) => each.id === (id ?? given) || each.token_name === given);
      // Another user's token, for example, which only an administrator can specify, by ID.
      const key = token?.id ?? id ?? given;
      try {
        await client.keyDelete({ params: { user: "me", key } });
      } catch (error) {
        if (!isFleetError(error, "not_found")) throw error;
        throw new FleetError("not_found", `Token "${key}" not found. List yours with: coder tokens list`, {
          cause: error,
        });
      }
      context.note(`Deleted token ${token?.token_name || key}.`);
    });
}
