import { FleetError, isFleetError, parseDuration } from "@fleet/base";
import type { ApiKey, Client } from "@fleet/sdk";
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
    .addCommand(viewCommand(context))
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
    .option(
      "--allow <type:id>",
      "Limit the token to an object, such as workspace:<uuid>, or to all of a type, such as template:* (repeatable)",
      listOf(),
    )
    .addOption(new Option("-o, --output <format>", "Output format").choices(["text", "json"]).default("text"))
    .action(async (options: CreateOptions) => {
      const { client } = await context.session();
      const { key } = await client.tokenCreate({
        params: { user: options.user },
        body: {
          lifetime: options.lifetime ? parseDuration(options.lifetime) * NS_PER_MS : undefined,
          token_name: options.name,
          scopes: options.scope,
          allow_list: options.allow,
        },
      });
      context.print(options.output === "json" ? JSON.stringify({ key }, null, 2) : key);
    });
}

type CreateOptions = {
  lifetime?: string;
  name?: string;
  user: string;
  scope?: string[];
  allow?: string[];
  output: "text" | "json";
};

function columns(context: Context): Column<ApiKey>[] {
  const now = () => context.clock.now();
  return [
    { name: "id", text: (token) => token.id },
    { name: "name", text: (token) => token.token_name },
    { name: "last used", text: (token) => ago(token.last_used, now()) || "never" },
    { name: "expires at", text: (token) => until(token.expires_at, now()) },
    { name: "created at", text: (token) => ago(token.created_at, now()) },
    { name: "scopes", extra: true, text: (token) => token.scopes?.join(",") ?? token.scope },
    {
      name: "allow list",
      extra: true,
      text: (token) => token.allow_list?.map(({ type, id }) => `${type}:${id}`).join(",") ?? "*:*",
    },
    { name: "owner", extra: true, text: (token) => token.username ?? token.user_id },
  ];
}

function listCommand(context: Context): Command {
  return withListOutput(new Command("list").alias("ls").description("List tokens"), columns(context))
    .option("-a, --all", "List the tokens of all users")
    .option("--include-expired", "List expired tokens, too")
    .action(async (options: OutputOptions & { all?: boolean; includeExpired?: boolean }) => {
      const { client } = await context.session();
      const query = { include_all: options.all, include_expired: options.includeExpired };
      const tokens = await client.tokenList({ params: { user: "me" }, query });
      const chosen =
        options.all && !options.column
          ? { ...options, column: ["id", "name", "owner", "last used", "expires at"] }
          : options;
      printList(context, chosen, columns(context), tokens);
    });
}

function viewCommand(context: Context): Command {
  const shown = columns(context).map((column) => ({ ...column, extra: false }));
  return withListOutput(new Command("view").description("Show a token"), shown)
    .argument("<token>", "Name or ID")
    .action(async (given: string, options: OutputOptions) => {
      const { client } = await context.session();
      printList(context, options, shown, [await findToken(client, given)]);
    });
}

/** The user's token by its name or ID, also an expired one; another user's by its ID. */
async function findToken(client: Client, given: string): Promise<ApiKey> {
  const query = { include_expired: true };
  const tokens = await client.tokenList({ params: { user: "me" }, query });
  const token = tokens.find((each) => each.id === given || each.token_name === given);
  if (token) return token;
  try {
    return await client.keyGet({ params: { user: "me", key: given } });
  } catch (error) {
    if (!isFleetError(error, "not_found", "invalid_argument")) throw error;
    throw noSuchToken(given, error);
  }
}

function noSuchToken(key: string, cause: unknown): FleetError {
  return new FleetError(
    "not_found",
    `Token "${key}" not found. List yours with: coder tokens list --include-expired`,
    { cause },
  );
}

/** A full token: its ID and its secret. */
const WHOLE_TOKEN = /^([A-Za-z0-9]{10})-[A-Za-z0-9]{22}$/;

function removeCommand(context: Context): Command {
  return new Command("remove")
    .aliases(["delete", "rm"])
    .description("Expire a token, which keeps its record, or delete it")
    .argument("<token>", "Name, ID, or the token itself")
    .option("--delete", "Delete the token with its record")
    .action(async (given: string, options: { delete?: boolean }) => {
      const { client } = await context.session();
      const id = WHOLE_TOKEN.exec(given)?.[1];
      const query = { include_expired: true };
      const tokens = await client.tokenList({ params: { user: "me" }, query });
      const token = tokens.find((each) => each.id === (id ?? given) || each.token_name === given);
      // Another user's token, for example, which only an administrator can specify, by ID.
      const key = token?.id ?? id ?? given;
      const call = { params: { user: "me", key } };
      try {
        await (options.delete ? client.keyDelete(call) : client.keyExpire(call));
      } catch (error) {
        if (!isFleetError(error, "not_found")) throw error;
        throw noSuchToken(key, error);
      }
      context.note(`${options.delete ? "Deleted" : "Expired"} token ${token?.token_name || key}.`);
    });
}
