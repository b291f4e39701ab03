import { Command, Option } from "commander";
import type { Context } from "../context.js";
import { askConsent } from "../ui/prompt.js";

const NEW_KEY = "CODER_EXTERNAL_TOKEN_ENCRYPTION_ENCRYPT_NEW_KEY";
const OLD_KEYS = "CODER_EXTERNAL_TOKEN_ENCRYPTION_ENCRYPT_OLD_KEYS";
const DECRYPT_KEYS = "CODER_EXTERNAL_TOKEN_ENCRYPTION_DECRYPT_KEYS";
const POSTGRES = "CODER_PG_CONNECTION_URL";

type Options = {
  postgresUrl?: string;
  newKey?: string;
  oldKeys?: string;
  keys?: string;
  states?: boolean;
  yes?: boolean;
};

/** Each runs in coderd's program, which knows the database. */
export function dbcryptCommand(context: Context): Command {
  return new Command("dbcrypt")
    .description("Manage the encryption of values in the database")
    .addCommand(
      common("rotate", "Encrypt all values with a new key")
        .addOption(new Option("--new-key <key>", "Key to encrypt with, the base64 of 32 bytes").env(NEW_KEY))
        .addOption(
          new Option("--old-keys <keys>", "Comma-separated keys that values are encrypted with now").env(
            OLD_KEYS,
          ),
        )
        .action(async ({ newKey, oldKeys, ...options }: Options) => {
          await askConsent(
            context,
            "Encrypt all values with the new key? Back up the database first.",
            options.yes,
          );
          await run(context, ["rotate"], options, { [NEW_KEY]: newKey, [OLD_KEYS]: oldKeys });
        }),
    )
    .addCommand(
      common("decrypt", "Store all values in plain text; stop coderd first")
        .addOption(new Option("--keys <keys>", "Comma-separated keys to decrypt with").env(DECRYPT_KEYS))
        .action(async ({ keys, ...options }: Options) => {
          await askConsent(context, "Decrypt all values? Back up the database first.", options.yes);
          await run(context, ["decrypt"], options, { [DECRYPT_KEYS]: keys });
        }),
    )
    .addCommand(
      common("delete", "Delete all encrypted values, if their keys are lost; stop coderd first")
        .option(
          "--states",
          "Delete encrypted Terraform states, too; the resources of their workspaces stay behind",
        )
        .action(async ({ states, ...options }: Options) => {
          await askConsent(context, "Delete all encrypted values? This cannot be undone.", options.yes);
          await run(context, ["delete", ...(states ? ["--states"] : [])], options, {});
        }),
    );

  function common(name: string, description: string): Command {
    return new Command(name)
      .description(description)
      .addOption(
        new Option("--postgres-url <url>", "URL of the PostgreSQL database (default: the built-in one)").env(
          POSTGRES,
        ),
      )
      .option("-y, --yes", "Do not ask for confirmation");
  }
}

async function run(
  context: Context,
  args: readonly string[],
  { postgresUrl }: Options,
  keys: Record<string, string | undefined>,
): Promise<void> {
  const { runOnDatabase } = await import("../server/on-database.js");
  await runOnDatabase(context, ["dbcrypt", ...args], postgresUrl, keys);
}
