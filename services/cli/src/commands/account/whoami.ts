import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printJson, withTextOutput } from "../../ui/output.js";

export function whoamiCommand(context: Context): Command {
  return withTextOutput(new Command("whoami").description("Show the signed-in user and deployment")).action(
    async ({ output }: OutputOptions) => {
      const { client, url } = await context.session();
      const user = await client.userGet({ params: { user: "me" } });
      if (output === "json") {
        return printJson(context, [{ url, username: user.username, id: user.id, roles: user.roles }]);
      }
      const { bold } = context.colors;
      context.print(`Signed in to ${bold(url)} as ${bold(user.username)} (${user.email}).`);
    },
  );
}
