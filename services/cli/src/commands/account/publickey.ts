import { Command } from "commander";
import type { Context } from "../../context.js";
import { askConsent } from "../../ui/prompt.js";

export function publicKeyCommand(context: Context): Command {
  return new Command("publickey")
    .summary("Print your public SSH key for Git servers")
    .description("Print the public SSH key that your workspaces use with Git servers")
    .option("--reset", "Generate a new key first (re-add it to your Git servers)")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async ({ reset, yes }: { reset?: boolean; yes?: boolean }) => {
      const { client } = await context.session();
      if (reset) {
        await askConsent(
          context,
          "Generate a new key? Git servers refuse the current one until you re-add it.",
          yes,
        );
      }
      const params = { user: "me" };
      const key = reset
        ? await client.gitSshKeyRegenerate({ params })
        : await client.gitSshKeyGet({ params });
      context.print(key.public_key.trim());
    });
}
