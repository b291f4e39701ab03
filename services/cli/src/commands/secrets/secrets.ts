import { FleetError, parseBoolean } from "@fleet/base";
import type { UserSecret } from "@fleet/sdk";
import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import { isPiped, readPiped } from "../../ui/piped.js";
import { askConsent } from "../../ui/prompt.js";
import type { Column } from "../../ui/table.js";
import { ago } from "../../ui/time.js";

type Fields = { value?: string; description?: string; env?: string; file?: string; enabled?: boolean };

export function secretCommand(context: Context): Command {
  return new Command("secret")
    .alias("secrets")
    .description("Manage secrets for your workspaces")
    .addCommand(createCommand(context))
    .addCommand(updateCommand(context))
    .addCommand(listCommand(context))
    .addCommand(deleteCommand(context));
}

function withFields(command: Command): Command {
  return command
    .argument("<name>", "Name of the secret")
    .option("--value <value>", "Value; piped input is safer, since other users can see command lines")
    .option("--description <text>", "Description of the secret")
    .option("--env <name>", "Environment variable in your workspaces")
    .option("--file <path>", "File in your workspaces; starts with ~/ or /")
    .addOption(
      new Option("--enabled [boolean]", "Give the secret to your workspaces").argParser(parseEnabled),
    );
}

function createCommand(context: Context): Command {
  return withFields(
    new Command("create")
      .summary("Store a secret")
      .description(
        "Store a secret for your workspaces. The value is read from standard input, or from --value.",
      ),
  ).action(async (name: string, options: Fields) => {
    const { client } = await context.session();
    const value = await secretValue(context, options);
    if (value === undefined) {
      throw new FleetError(
        "invalid_argument",
        `Pipe the value, for example: printf %s "$TOKEN" | coder secret create ${name} --env TOKEN`,
      );
    }
    await client.userSecretCreate({ params: { user: "me" }, body: { name, value, ...bodyOf(options) } });
    context.note(`Created secret ${name}. Workspaces receive it when they start.`);
  });
}

function updateCommand(context: Context): Command {
  return withFields(
    new Command("update")
      .summary("Change a secret")
      .description(
        'Change a secret. What is not given keeps its value; --env "" and --file "" remove a target. A new value is read from standard input, or from --value.',
      ),
  ).action(async (name: string, options: Fields) => {
    const { client } = await context.session();
    const value = await secretValue(context, options);
    const body = { ...bodyOf(options), ...(value !== undefined && { value }) };
    if (Object.keys(body).length === 0) {
      throw new FleetError(
        "invalid_argument",
        "Set at least one of --value, --description, --env, --file and --enabled.",
      );
    }
    await client.userSecretUpdate({ params: { user: "me", secret: name }, body });
    context.note(`Updated secret ${name}. Workspaces receive the change when they start.`);
  });
}

function listCommand(context: Context): Command {
  return withListOutput(
    new Command("list")
      .alias("ls")
      .description("List your secrets, or show one of them; values are never shown")
      .argument("[name]", "Name of a secret"),
    columns(context),
  ).action(async (name: string | undefined, options: OutputOptions) => {
    const { client } = await context.session();
    const secrets =
      name === undefined
        ? await client.userSecretList({ params: { user: "me" } })
        : [await client.userSecretGet({ params: { user: "me", secret: name } })];
    printList(context, options, columns(context), secrets);
  });
}

function deleteCommand(context: Context): Command {
  return new Command("delete")
    .aliases(["remove", "rm"])
    .description("Delete a secret")
    .argument("<name>", "Name of the secret")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (name: string, { yes }: { yes?: boolean }) => {
      const { client } = await context.session();
      await askConsent(context, `Delete the secret ${name}?`, yes);
      await client.userSecretDelete({ params: { user: "me", secret: name } });
      context.note(`Deleted secret ${name}. Running workspaces keep what they have received.`);
    });
}

function columns(context: Context): Column<UserSecret>[] {
  return [
    { name: "name", text: ({ name }) => name },
    { name: "env", text: ({ env_name }) => env_name },
    { name: "file", text: ({ file_path }) => file_path },
    { name: "enabled", text: ({ enabled }) => String(enabled) },
    { name: "updated", text: ({ updated_at }) => ago(updated_at, context.clock.now()) },
    { name: "description", text: ({ description }) => description },
    { name: "created", extra: true, text: ({ created_at }) => ago(created_at, context.clock.now()) },
  ];
}

/** The value as given or piped, with its newlines; undefined if there is none. */
async function secretValue(context: Context, { value }: Fields): Promise<string | undefined> {
  if (value !== undefined || !isPiped(context)) return value;
  const silent = new FleetError(
    "invalid_argument",
    "Standard input is open but sends nothing. Pipe the value, or use --value.",
  );
  return (await readPiped(context, silent)).toString("utf8") || undefined;
}

function bodyOf({ description, env, file, enabled }: Fields) {
  return {
    ...(description !== undefined && { description }),
    ...(env !== undefined && { env_name: env }),
    ...(file !== undefined && { file_path: file }),
    ...(enabled !== undefined && { enabled }),
  };
}

function parseEnabled(text: string): boolean {
  const value = parseBoolean(text);
  if (value !== undefined) return value;
  throw new FleetError("invalid_argument", `--enabled must be true or false, not "${text}".`);
}
