import { Command } from "commander";
import type { Context } from "../../context.js";

export function publicKeyCommand(context: Context): Command {
  return new Command("publickey")
    .summary("Print your public SSH key for Git servers")
    .description("Print the public SSH key that your workspaces use with Git servers")
    .option("--reset", "Generate a new key first (re-add it to your Git servers)")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async ({ reset }: { reset?: boolean }) => {
      const { client } = await context.session();
      const params = { user: "me" };
      const key = reset
        ? await client.gitSshKeyRegenerate({ params })
        : await client.gitSshKeyGet({ params });
      context.print(key.public_key.trim());
    });
}
