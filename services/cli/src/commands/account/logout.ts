import { isFleetError } from "@fleet/base";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { askConsent } from "../../ui/prompt.js";

export function logoutCommand(context: Context): Command {
  return new Command("logout")
    .description("Sign out of the deployment")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async ({ yes }: { yes?: boolean }) => {
      const session = await context.session();
      await askConsent(context, `Sign out of ${session.url}?`, yes);
      try {
        await session.client.logout();
      } catch (error) {
        // A session that the server no longer knows counts as signed out.
        if (!isFleetError(error, "unauthenticated")) throw error;
      }
      await context.sessions.remove(session.url);
      for (const file of ["url", "organization"] as const) await context.config.remove(file);
      context.note("Signed out.");
    });
}
