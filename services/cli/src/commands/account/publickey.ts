import { Command } from "commander";
import type { Context } from "../../context.js";

export function publicKeyCommand(context: Context): Command {
  return new Command("publickey")
    .description("Print the public key with which your workspaces sign in to git servers")
    .option("--reset", "make another key first; git servers then need the other one")
    .option("-y, --yes", "do not ask")
    .action(async ({ reset }: { reset?: boolean }) => {
      const { client } = await context.session();
      const params = { user: "me" };
      const key = reset
        ? await client.gitSshKeyRegenerate({ params })
        : await client.gitSshKeyGet({ params });
      context.print(key.public_key.trim());
    });
}
