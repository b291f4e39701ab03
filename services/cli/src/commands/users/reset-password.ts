import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { askSecret } from "../../ui/prompt.js";

type Options = { postgresUrl?: string; password?: string };

/** Works without a server and a session: for owners who cannot sign in. */
export function resetPasswordCommand(context: Context): Command {
  return new Command("reset-password")
    .summary("Reset a user's password in the database")
    .description(
      "Reset a user's password in the database, and end the user's sessions and tokens. Run it on the server; you need not be signed in.",
    )
    .argument("<username>", "Username or email address")
    .addOption(postgresOption())
    .addOption(passwordOption())
    .action(async (user: string, options: Options) => {
      const password = await newPassword(context, options.password);
      await recover(context, options.postgresUrl, { command: "reset-password", user, password });
    });
}

/** `coder server create-admin-user` */
export function createAdminCommand(context: Context): Command {
  return new Command("create-admin-user")
    .summary("Create an owner in the database")
    .description(
      "Create an owner in the database, as a member of every organization. Run it on the server; you need not be signed in.",
    )
    .requiredOption("--username <name>", "Username")
    .requiredOption("--email <email>", "Email address")
    .addOption(postgresOption())
    .addOption(passwordOption())
    .action(async ({ username, email, ...options }: Options & { username: string; email: string }) => {
      const password = await newPassword(context, options.password);
      const request = { command: "create-admin-user", username, email, password };
      await recover(context, options.postgresUrl, request);
    });
}

const postgresOption = () =>
  new Option("--postgres-url <url>", "URL of the PostgreSQL database (default: the built-in one)").env(
    "CODER_PG_CONNECTION_URL",
  );

const passwordOption = () => new Option("--password <password>", "New password (prompted for if omitted)");

/** Asks for a new password twice, unless it is given. */
async function newPassword(context: Context, given: string | undefined): Promise<string> {
  if (given) return given;
  const password = await askSecret(context, "New password", "--password");
  await askSecret(context, "Repeat the password", "--password", {
    validate: (text) => text === password || "The passwords are not the same.",
  });
  return password;
}

async function recover(
  context: Context,
  databaseUrl: string | undefined,
  request: Readonly<Record<string, string>>,
): Promise<void> {
  const { runOnDatabase } = await import("../../server/on-database.js");
  await runOnDatabase(context, ["recover"], databaseUrl, { CODER_RECOVERY: JSON.stringify(request) });
}
